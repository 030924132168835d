// The listening test: corpus or machine? It goes on where the page was left, where the browser keeps that.

const LENGTH = 16; // excerpts that are asked about
const MOST_KEPT = 20; // earlier results
const SHELF = `musicgen-listening-${find("test").dataset.identity}`;

function shuffled(items) {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

// A coin for each excerpt, so that those heard say nothing about those to come; where one kind has run out, the other.
function drawn() {
  const piles = ["corpus", "machine"].map((truth) => shuffled([...music.excerpts.keys()].filter((index) => music.excerpts[index].truth === truth)));
  const order = [];
  while (order.length < LENGTH && piles.some((pile) => pile.length)) {
    const pile = piles[Math.random() < 0.5 ? 0 : 1];
    order.push((pile.length ? pile : piles.find((other) => other.length)).pop());
  }
  return order;
}

// The 95 % interval of a share (Wilson 1927).
function interval(right, total) {
  const z = 1.959964;
  const share = right / total;
  const middle = share + (z * z) / (2 * total);
  const half = z * Math.sqrt((share * (1 - share)) / total + (z * z) / (4 * total * total));
  const whole = 1 + (z * z) / total;
  return [Math.max(0, (middle - half) / whole), Math.min(1, (middle + half) / whole)];
}

// The chance that guessing gets at least so many right.
function chance(right, total) {
  let [term, sum] = [0.5 ** total, 0];
  for (let number = 0; number <= total; number++) {
    if (number >= right) sum += term;
    term *= (total - number) / (number + 1);
  }
  return Math.min(1, sum);
}

function stored() {
  try {
    const shelf = JSON.parse(localStorage.getItem(SHELF));
    const fits = (order) => Array.isArray(order) && order.every((index) => Number.isInteger(index) && music.excerpts[index]);
    return { history: Array.isArray(shelf?.history) ? shelf.history : [], test: fits(shelf?.test?.order) ? shelf.test : null };
  } catch {
    return { history: [], test: null };
  }
}

const shelf = stored();

function store() {
  try {
    localStorage.setItem(SHELF, JSON.stringify(shelf));
  } catch {
    // pages from a file, and private windows, may have no place to store: the test goes on without
  }
}

function result() {
  const trials = shelf.test.answers.map((trial, number) => {
    const { truth, title } = music.excerpts[shelf.test.order[number]];
    return { ...trial, truth, title, right: trial.answer === truth };
  });
  const right = trials.filter((trial) => trial.right).length;
  const [low, high] = trials.length ? interval(right, trials.length) : [0, 1];
  return { page: music.title, began: shelf.test.began, bars: music.bars, right, total: trials.length, interval: [low, high], chance: chance(right, trials.length), trials };
}

const percent = (share) => `${Math.round(100 * share)} %`;

function inWords({ right, total, interval: [low, high], chance: guessed }) {
  const told = low > 0.5 ? "You can tell them apart." : high < 0.5 ? "You hear a difference, but take one for the other." : "That cannot be told from guessing.";
  return `${right} of ${total} right: ${percent(right / total)}, with a 95 % interval of ${percent(low)} to ${percent(high)}. Guessing gets 50 %, and this many or more with a chance of ${percent(guessed)}. ${told}`;
}

function showHistory() {
  find("quiz-history").replaceChildren(
    ...shelf.history.map((one) => {
      const item = document.createElement("li");
      item.textContent = `Earlier, ${new Date(one.began).toLocaleString()}: ${one.right} of ${one.total} right.`;
      return item;
    }),
  );
}

const visible = (ids) => {
  for (const id of ["quiz-intro", "quiz-player", "quiz-answers", "quiz-start", "quiz-next", "quiz-save", "quiz-end"]) find(id).hidden = !ids.includes(id);
};

let state = "idle"; // idle -> asking -> told -> asking ... -> done
let isPlaying = false;
let asked = 0; // milliseconds, when the excerpt was first shown

function showScore() {
  const { right, total } = result();
  find("quiz-score").textContent = total ? `Score: ${right} of ${total}` : "";
}

function ask() {
  player.stop();
  if (shelf.test.answers.length >= shelf.test.order.length) return finish();
  state = "asking";
  asked = performance.now();
  find("quiz-asked").textContent = `Excerpt ${shelf.test.answers.length + 1} of ${shelf.test.order.length}`;
  find("quiz-told").textContent = "";
  find("quiz-place").value = 0;
  visible(["quiz-player", "quiz-answers", ...(shelf.test.answers.length ? ["quiz-end"] : [])]);
  showScore();
  playAsked();
  find("quiz-play").focus({ preventScroll: true });
}

function playAsked() {
  if (isPlaying) return player.stop();
  const clip = music.excerpts[shelf.test.order[Math.min(shelf.test.answers.length - (state === "told"), shelf.test.order.length - 1)]];
  const button = find("quiz-play");
  player.play(
    clip,
    0,
    (place) => (find("quiz-place").value = place / Math.max(clip.seconds, 0.001)),
    () => {
      isPlaying = false;
      button.textContent = "Play again";
    },
  );
  isPlaying = true;
  button.textContent = "Stop";
}

function answer(said) {
  if (state !== "asking") return;
  const clip = music.excerpts[shelf.test.order[shelf.test.answers.length]];
  shelf.test.answers.push({ answer: said, seconds: Math.round((performance.now() - asked) / 100) / 10 });
  state = "told";
  store();
  const told = find("quiz-told");
  told.className = said === clip.truth ? "right" : "wrong";
  told.textContent = `${said === clip.truth ? "Right" : "Wrong"}: ${clip.truth === "corpus" ? "from the corpus" : "by the machine"}, ${clip.title}.`;
  visible(["quiz-player", "quiz-next"]);
  find("quiz-next").firstChild.textContent = shelf.test.answers.length < shelf.test.order.length ? "Next " : "Result ";
  showScore();
  find("quiz-next").focus({ preventScroll: true });
}

function finish() {
  player.stop();
  state = "done";
  find("quiz-asked").textContent = "Result";
  find("quiz-told").className = "";
  find("quiz-told").textContent = inWords(result());
  find("quiz-score").textContent = "";
  find("quiz-start").textContent = "Another test";
  visible(["quiz-start", "quiz-save"]);
  find("quiz-asked").focus({ preventScroll: true });
}

function begin() {
  if (state === "done") {
    const { began, right, total } = result();
    shelf.history = [{ began, right, total }, ...shelf.history].slice(0, MOST_KEPT);
    shelf.test = null;
    showHistory();
  }
  shelf.test ??= { began: new Date().toISOString(), order: drawn(), answers: [] };
  store();
  ask();
}

function saveResult() {
  save(new Blob([JSON.stringify(result(), null, 2)], { type: "application/json" }), "listening-test.json");
}

if (!music.excerpts.length) {
  find("quiz-intro").textContent = "There are not enough bars of corpus and takes for a listening test.";
  visible(["quiz-intro"]);
} else {
  const actions = { start: begin, play: playAsked, corpus: () => answer("corpus"), machine: () => answer("machine"), next: ask, end: finish, save: saveResult };
  for (const [name, action] of Object.entries(actions)) find(`quiz-${name}`).addEventListener("click", action);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input")) return;
    const keys = { c: "quiz-corpus", m: "quiz-machine", n: "quiz-next" };
    const button = find(keys[event.key.toLowerCase()]);
    if (button?.offsetParent) button.click();
  });
  showHistory();
  if (shelf.test?.answers.length && shelf.test.answers.length < shelf.test.order.length) find("quiz-start").textContent = `Go on with excerpt ${shelf.test.answers.length + 1}`;
  else if (shelf.test?.answers.length) finish();
}
