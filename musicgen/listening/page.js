"use strict";
// The player and the listening test. Times are seconds; a note is [start, pitch, duration, loudness 0..1].

const music = JSON.parse(document.getElementById("clips").textContent);
const find = (id) => document.getElementById(id);

// Of each family of eight General MIDI programs: strengths of the overtones, attack, decay, level that is held, release.
const TIMBRES = [
  { overtones: [1, 0.5, 0.28, 0.16, 0.08, 0.05], attack: 0.004, decay: 0.9, held: 0.12, release: 0.15 }, // piano
  { overtones: [1, 0, 0.1, 0.35, 0, 0.12], attack: 0.002, decay: 0.6, held: 0.02, release: 0.3 }, // bells
  { overtones: [1, 0.6, 0.3, 0.35, 0.1, 0.2], attack: 0.015, decay: 0.1, held: 0.85, release: 0.06 }, // organ
  { overtones: [1, 0.6, 0.4, 0.2, 0.12, 0.08], attack: 0.003, decay: 0.6, held: 0.06, release: 0.12 }, // guitar
  { overtones: [1, 0.7, 0.25, 0.1], attack: 0.006, decay: 0.8, held: 0.3, release: 0.08 }, // bass
  { overtones: [1, 0.5, 0.35, 0.25, 0.18, 0.12, 0.08], attack: 0.06, decay: 0.2, held: 0.8, release: 0.12 }, // strings
  { overtones: [1, 0.35, 0.2, 0.08, 0.03], attack: 0.05, decay: 0.2, held: 0.8, release: 0.12 }, // voices
  { overtones: [1, 0.8, 0.6, 0.4, 0.3, 0.2, 0.1], attack: 0.03, decay: 0.15, held: 0.75, release: 0.08 }, // brass
  { overtones: [1, 0.15, 0.6, 0.12, 0.35, 0.08, 0.15], attack: 0.02, decay: 0.1, held: 0.8, release: 0.07 }, // reeds
  { overtones: [1, 0.25, 0.08, 0.02], attack: 0.03, decay: 0.1, held: 0.85, release: 0.08 }, // flutes
];
const AHEAD = 1.6; // seconds that are scheduled in advance; timers of a hidden page tick once a second
const EVERY = 250; // milliseconds

class Player {
  constructor() {
    this.context = null;
    this.playing = null;
  }

  // Plays a clip from a place on. `moved` hears the place while it plays, `ended` is called once, however it ends.
  play(clip, from, moved, ended) {
    this.stop();
    this.context ??= new (window.AudioContext || window.webkitAudioContext)();
    this.context.resume();
    const out = this.context.createGain();
    const limiter = this.context.createDynamicsCompressor();
    out.connect(limiter).connect(this.context.destination);
    const notes = clip.parts.flatMap((part) => part.notes.map((note) => ({ part, note }))).sort((a, b) => a.note[0] - b.note[0]);
    const zero = this.context.currentTime + 0.12 - from;
    const run = { out, limiter, ended, next: notes.findIndex(({ note }) => note[0] >= from - 0.001), notes, zero };
    if (run.next < 0) run.next = notes.length;
    const schedule = () => {
      while (run.next < notes.length && zero + notes[run.next].note[0] < this.context.currentTime + AHEAD) {
        const { part, note } = notes[run.next++];
        (part.drums ? this.drum : this.tone).call(this, out, part, note, zero + note[0]);
      }
    };
    const show = () => {
      if (this.playing !== run) return;
      const place = this.context.currentTime - zero;
      moved(Math.max(from, Math.min(place, clip.seconds)));
      if (place > clip.seconds + 0.3) this.stop();
      else run.frame = requestAnimationFrame(show);
    };
    this.playing = run;
    schedule();
    run.timer = setInterval(schedule, EVERY);
    run.frame = requestAnimationFrame(show);
  }

  stop() {
    const run = this.playing;
    if (!run) return;
    this.playing = null;
    clearInterval(run.timer);
    cancelAnimationFrame(run.frame);
    run.out.gain.setTargetAtTime(0, this.context.currentTime, 0.02);
    setTimeout(() => run.limiter.disconnect(), 300);
    run.ended();
  }

  tone(out, part, [, pitch, duration, loudness], at) {
    const timbre = TIMBRES[Math.min(part.program >> 3, TIMBRES.length - 1)];
    timbre.wave ??= this.context.createPeriodicWave(new Float32Array(timbre.overtones.length + 1), new Float32Array([0, ...timbre.overtones]));
    const oscillator = this.context.createOscillator();
    oscillator.setPeriodicWave(timbre.wave);
    oscillator.frequency.value = 440 * 2 ** ((pitch - 69) / 12);
    const gain = this.context.createGain();
    const peak = 0.05 + 0.2 * loudness;
    const end = at + Math.max(duration, timbre.attack);
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(peak, at + timbre.attack);
    gain.gain.setTargetAtTime(peak * timbre.held, at + timbre.attack, timbre.decay / 2);
    gain.gain.setTargetAtTime(0, end, timbre.release / 3);
    oscillator.connect(gain).connect(out);
    oscillator.start(at);
    oscillator.stop(end + 2 * timbre.release);
  }

  // Low drums are a falling tone, the others a burst of noise: the higher the drum, the brighter.
  drum(out, part, [, pitch, , loudness], at) {
    const gain = this.context.createGain();
    const isLow = pitch <= 36 || (pitch >= 41 && pitch <= 50 && ![42, 44, 46, 49].includes(pitch));
    const seconds = isLow ? 0.25 : [46, 49, 51, 52, 55, 57, 59].includes(pitch) ? 0.5 : 0.12;
    gain.gain.setValueAtTime(0.12 + 0.4 * loudness, at);
    gain.gain.exponentialRampToValueAtTime(0.001, at + seconds);
    gain.connect(out);
    let source;
    if (isLow) {
      source = this.context.createOscillator();
      const top = pitch <= 36 ? 120 : 90 + 12 * (pitch - 40);
      source.frequency.setValueAtTime(top, at);
      source.frequency.exponentialRampToValueAtTime(top / 2.5, at + 0.12);
      source.connect(gain);
    } else {
      source = this.context.createBufferSource();
      source.buffer = this.noise();
      const filter = this.context.createBiquadFilter();
      filter.type = "bandpass";
      filter.frequency.value = pitch <= 40 ? 1800 : 6500;
      filter.Q.value = 0.7;
      source.connect(filter).connect(gain);
    }
    source.start(at);
    source.stop(at + seconds);
  }

  noise() {
    if (!this.hiss) {
      this.hiss = this.context.createBuffer(1, this.context.sampleRate, this.context.sampleRate);
      const samples = this.hiss.getChannelData(0);
      for (let index = 0; index < samples.length; index++) samples[index] = 2 * Math.random() - 1;
    }
    return this.hiss;
  }
}

const player = new Player();
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

// The examples

for (const article of document.querySelectorAll(".example")) {
  const clip = music.examples[Number(article.dataset.clip)];
  const [button, seek, time, cursor] = [".play", ".seek", ".clock", ".cursor"].map((name) => article.querySelector(name));
  let isPlaying = false;
  const show = (place) => {
    seek.value = place;
    time.textContent = clock(place);
    const x = (600 * place) / Math.max(clip.seconds, 0.001);
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
  };
  const play = (from) => {
    player.play(clip, from, show, () => {
      isPlaying = false;
      button.textContent = "Play";
      button.setAttribute("aria-label", `Play ${clip.title}`);
    });
    isPlaying = true;
    button.textContent = "Stop";
    button.setAttribute("aria-label", `Stop ${clip.title}`);
  };
  button.addEventListener("click", () => {
    if (isPlaying) player.stop();
    else play(Number(seek.value) >= clip.seconds - 0.05 ? 0 : Number(seek.value));
  });
  seek.addEventListener("input", () => {
    const place = Number(seek.value);
    if (isPlaying) play(place);
    show(place);
  });
}

// The listening test

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

function save() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(result(), null, 2)], { type: "application/json" }));
  link.download = "listening-test.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

if (!music.excerpts.length) {
  find("quiz-intro").textContent = "There are not enough bars of corpus and takes for a listening test.";
  visible(["quiz-intro"]);
} else {
  const actions = { start: begin, play: playAsked, corpus: () => answer("corpus"), machine: () => answer("machine"), next: ask, end: finish, save };
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
