// A deck: one piece to see and to hear, with its roll, its score if it has one, and all buttons. Only one deck plays at a time.

const FRAME = 40; // pixels that are kept between the place and the edge of what scrolls
const NARROW = 640; // pixels below which scores have fewer bars a line
let active = null; // the deck that keys belong to

class Deck {
  constructor(article) {
    this.article = article;
    this.clip = music.clips[Number(article.dataset.clip)];
    this.place = 0; // seconds
    this.isPlaying = false;
    this.loop = null; // [begin, end] in seconds
    this.muted = new Set();
    this.solo = new Set();
    this.anchors = []; // of the score: { step, x, y, height }
    const one = (name) => article.querySelector(name);
    for (const name of ["play", "seek", "clock", "loop", "speed", "scroll", "region", "score", "colours"]) this[`${name}Element`] = one(`.${name}`);
    this.cursor = one(".stage .cursor");
    this.stage = one(".stage");
    this.playElement.addEventListener("click", () => this.toggle());
    this.seekElement.addEventListener("input", () => this.seek(Number(this.seekElement.value)));
    this.loopElement?.addEventListener("click", () => this.setLoop(this.loop ? null : [0, this.clip.seconds]));
    this.speedElement?.addEventListener("change", () => this.isPlaying && this.play());
    this.coloursElement?.addEventListener("change", () => article.querySelectorAll(".view").forEach((view) => (view.hidden = view.dataset.view !== this.coloursElement.value)));
    this.stage.addEventListener("click", (event) => this.seek(this.secondsAt((event.clientX - this.stage.getBoundingClientRect().left) / this.clip.scale + this.clip.start)));
    article.addEventListener("pointerdown", () => (active = this), true);
    article.addEventListener("focusin", () => (active = this));
    article.querySelectorAll(".mute, .solo").forEach((button) => button.addEventListener("click", () => this.choose(button)));
    one(".record")?.addEventListener("click", (event) => this.record(event.currentTarget));
    if (this.scoreElement) this.openScore();
    this.show(0);
  }

  get speed() {
    return Number(this.speedElement?.value ?? 1);
  }

  isHeard(number) {
    return this.solo.size ? this.solo.has(number) : !this.muted.has(number);
  }

  // Seconds and steps are each other's by straight lines between the tempi.
  secondsAt(step) {
    return between(this.clip.times, step, 1, 0);
  }

  stepAt(seconds) {
    return between(this.clip.times, seconds, 0, 1);
  }

  toggle() {
    if (this.isPlaying) player.stop();
    else this.play();
  }

  play() {
    if (this.place >= this.clip.seconds - 0.02) this.place = this.loop?.[0] ?? 0;
    const settings = { speed: this.speed, isHeard: (number) => this.isHeard(number), loop: () => this.loop };
    const ended = () => {
      this.isPlaying = false;
      this.name("Play");
    };
    player.play(this.clip, this.place, (place) => this.show(place), ended, settings);
    this.isPlaying = true;
    active = this;
    this.name("Pause");
  }

  name(word) {
    this.playElement.textContent = word;
    this.playElement.setAttribute("aria-label", `${word} ${this.clip.title}`);
  }

  changeSpeed(by) {
    const element = this.speedElement;
    if (!element) return;
    element.selectedIndex = Math.max(0, Math.min(element.selectedIndex + by, element.options.length - 1));
    if (this.isPlaying) this.play();
  }

  seek(seconds) {
    this.show(Math.max(0, Math.min(seconds, this.clip.seconds)));
    if (this.isPlaying) this.play();
  }

  // By so many bars: back to the begin of this one first.
  skip(bars) {
    const lines = [0, ...this.clip.bars.filter((bar) => bar > 0), this.clip.seconds];
    const at = lines.findLastIndex((line) => line <= this.place + 0.01);
    const isInside = bars < 0 && this.place - lines[at] > 0.4;
    this.seek(lines[Math.max(0, Math.min(at + bars + (isInside ? 1 : 0), lines.length - 1))]);
  }

  setLoop(range) {
    this.loop = range && range[1] - range[0] > 0.05 ? range : null;
    this.loopElement?.setAttribute("aria-pressed", String(Boolean(this.loop)));
    if (this.regionElement) {
      this.regionElement.hidden = !this.loop;
      const [left, right] = (this.loop ?? [0, 0]).map((seconds) => (this.stepAt(seconds) - this.clip.start) * this.clip.scale);
      Object.assign(this.regionElement.style, { left: `${left}px`, width: `${right - left}px` });
    }
    if (this.isPlaying) this.play();
  }

  choose(button) {
    const number = Number(button.dataset.part);
    const set = button.classList.contains("mute") ? this.muted : this.solo;
    if (!set.delete(number)) set.add(number);
    button.setAttribute("aria-pressed", String(set.has(number)));
    this.article.querySelectorAll(".parts li").forEach((item, index) => item.classList.toggle("silent", !this.isHeard(index)));
    if (this.isPlaying) player.mix((part) => this.isHeard(part));
  }

  show(place) {
    this.place = place;
    this.seekElement.value = place;
    const said = `${clock(place)} / ${clock(this.clip.seconds)}`;
    if (this.clockElement.textContent !== said) {
      this.clockElement.textContent = said;
      const bar = this.clip.bars.filter((line) => line <= place + 0.01).length;
      this.seekElement.setAttribute("aria-valuetext", `${clock(place)}, bar ${Math.max(1, bar)} of ${this.clip.bars.length}`);
    }
    const step = this.stepAt(place);
    const x = (step - this.clip.start) * this.clip.scale;
    this.cursor.style.transform = `translateX(${x}px)`;
    if (this.isPlaying) {
      const { scrollLeft, clientWidth } = this.scrollElement;
      if (x < scrollLeft || x > scrollLeft + clientWidth - FRAME) this.scrollElement.scrollLeft = x - FRAME;
    }
    this.showInScore(step);
  }

  // The score

  async openScore() {
    const kind = window.innerWidth < NARROW ? "narrow" : "wide";
    if (this.layout === kind) return this.measure();
    this.layout = kind;
    const stream = new Blob([bytesOf(this.clip.scores[kind])]).stream().pipeThrough(new DecompressionStream("gzip"));
    const text = await new Response(stream).text();
    const sheet = this.scoreElement.querySelector(".sheet");
    sheet.replaceChildren(document.importNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement, true));
    this.measure();
  }

  // Where in the score each step stands: at its leftmost note.
  measure() {
    const sheet = this.scoreElement.querySelector(".sheet");
    const origin = sheet.getBoundingClientRect();
    const systems = [...sheet.querySelectorAll("g.system")].map((system) => system.getBoundingClientRect());
    const places = new Map();
    for (const note of sheet.querySelectorAll("g.note")) {
      const found = /n(\d+)-\d+$/.exec(note.id);
      if (!found) continue;
      const step = Number(found[1]);
      const box = (note.querySelector(".notehead") ?? note).getBoundingClientRect();
      const x = box.left + Math.min(box.width, 12) / 2 - origin.left;
      const system = systems.findIndex(({ top, bottom }) => box.top + box.height / 2 >= top && box.top + box.height / 2 <= bottom);
      const before = places.get(step);
      if (!before || system < before.system || (system === before.system && x < before.x)) places.set(step, { step, x, system });
    }
    const lines = systems.map(({ top, height, right }) => ({ y: top - origin.top, height, right: right - origin.left }));
    this.anchors = [...places.values()].filter(({ system }) => system >= 0).sort((a, b) => a.step - b.step).map((place) => ({ ...place, ...lines[place.system] }));
    this.scoreElement.querySelector(".cursor").hidden = !this.anchors.length;
    this.shown = -1;
    this.showInScore(this.stepAt(this.place));
  }

  showInScore(step) {
    if (!this.anchors.length) return;
    const index = Math.max(0, lastUpTo(this.anchors, step));
    const [here, next] = [this.anchors[index], this.anchors[index + 1]];
    const isSame = next && next.system === here.system;
    const [end, right] = isSame ? [next.step, next.x] : [next?.step ?? this.clip.times.at(-1)[1], here.right];
    const share = Math.max(0, Math.min(1, (step - here.step) / Math.max(1e-6, end - here.step)));
    const cursor = this.scoreElement.querySelector(".cursor");
    cursor.style.transform = `translate(${here.x + share * (right - here.x)}px, ${here.y}px)`;
    if (this.shown === here.system) return;
    this.shown = here.system;
    cursor.style.height = `${here.height}px`;
    const { scrollTop, clientHeight } = this.scoreElement;
    if (here.y < scrollTop || here.y + here.height > scrollTop + clientHeight) this.scoreElement.scrollTop = here.y - 8;
  }

  seekInScore(event) {
    const origin = this.scoreElement.querySelector(".sheet").getBoundingClientRect();
    const [x, y] = [event.clientX - origin.left, event.clientY - origin.top];
    const distance = (anchor) => Math.abs(anchor.y + anchor.height / 2 - y) * 4 + Math.abs(anchor.x - x);
    if (this.anchors.length) this.seek(this.secondsAt(this.anchors.reduce((best, anchor) => (distance(anchor) < distance(best) ? anchor : best)).step));
  }

  async record(button) {
    button.disabled = true;
    button.textContent = "Recording …";
    try {
      save(await player.record(this.clip, this.speed, (number) => this.isHeard(number)), `${this.clip.file}.wav`);
    } finally {
      button.disabled = false;
      button.textContent = "Sound";
    }
  }
}

// The last row whose number in a column is at most a value, by bisection.
function lastUpTo(rows, value, of = (row) => row.step) {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (of(rows[middle]) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

// A value of one column of rows that rise in both, brought over to the other one.
function between(rows, value, from, to) {
  const index = Math.max(0, Math.min(lastUpTo(rows, value, (row) => row[from]), rows.length - 2));
  const [here, next] = [rows[index], rows[index + 1]];
  return here[to] + ((value - here[from]) * (next[to] - here[to])) / Math.max(1e-9, next[from] - here[from]);
}

const decks = [...document.querySelectorAll(".deck")].map((article) => new Deck(article));
active = decks[0] ?? null;
for (const deck of decks) deck.scoreElement?.addEventListener("click", (event) => deck.seekInScore(event));
let resized = 0;
window.addEventListener("resize", () => {
  clearTimeout(resized);
  resized = setTimeout(() => decks.forEach((deck) => deck.scoreElement && deck.openScore()), 100);
});

const KEYS = {
  " ": (deck) => deck.toggle(),
  ArrowLeft: (deck) => deck.skip(-1),
  ArrowRight: (deck) => deck.skip(1),
  Home: (deck) => deck.seek(0),
  l: (deck) => deck.setLoop(deck.loop ? null : [0, deck.clip.seconds]),
  "[": (deck) => deck.setLoop([deck.place, deck.loop?.[1] > deck.place ? deck.loop[1] : deck.clip.seconds]),
  "]": (deck) => deck.setLoop([deck.loop?.[0] < deck.place ? deck.loop[0] : 0, deck.place]),
  "+": (deck) => deck.changeSpeed(1),
  "-": (deck) => deck.changeSpeed(-1),
};

document.addEventListener("keydown", (event) => {
  const isOwn = event.target.closest("input, select, summary, a, .scroll, .score") || (event.key === " " && event.target.closest("button"));
  if (!active || event.ctrlKey || event.metaKey || event.altKey || isOwn) return;
  const digit = /^[1-9]$/.test(event.key) ? active.article.querySelectorAll(".mute")[Number(event.key) - 1] : null;
  const action = KEYS[event.key] ?? KEYS[event.key.toLowerCase()] ?? (digit ? () => digit.click() : null);
  if (!action) return;
  event.preventDefault();
  action(active);
});
