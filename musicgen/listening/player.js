"use strict";
// The player, and the examples that it plays. Times are seconds; a note is [start, pitch, duration, loudness 0..1].

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
