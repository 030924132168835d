"use strict";
// What plays. Times are seconds; a note is [start, pitch, duration, loudness 0..1], a part is { name, program, drums, notes }, a clip has parts and seconds.
// Instruments play from recorded notes where the page brings them, and else from a few waves.

const music = JSON.parse(document.getElementById("clips").textContent);
const find = (id) => document.getElementById(id);
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

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
const START = 0.05; // seconds from the press of a button to the first note
const TAIL = 0.5; // seconds that the last notes may sound on
const LOUDEST = 0.98;
const VOLUME = 0.9;

const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

// The recorded notes, decoded: name of an instrument -> { buffer, notes: [[pitch, begin, seconds], ...] }. What a browser cannot decode is played from waves.
const bank = new Map();
const bankIsReady = Promise.all(
  Object.entries(music.bank?.instruments ?? {}).map(async ([name, { audio, notes }]) => {
    try {
      const context = new OfflineAudioContext(1, 1, 44100);
      bank.set(name, { buffer: await context.decodeAudioData(bytesOf(audio).buffer), notes });
    } catch (error) {
      console.warn(`no recorded sound of ${name}: ${error.message}`);
    }
  }),
);

// All that sounds in one context, an AudioContext or one that only counts.
class Stage {
  constructor(context) {
    this.context = context;
    this.waves = new Map();
    this.master = new GainNode(context, { gain: VOLUME });
    this.limiter = new DynamicsCompressorNode(context, { threshold: -6, knee: 6, ratio: 12, attack: 0.002, release: 0.15 });
    this.meter = new AnalyserNode(context, { fftSize: 2048 });
    this.master.connect(this.limiter).connect(this.meter).connect(context.destination);
  }

  note(out, part, note, at, speed) {
    const sound = bank.get(`${part.drums ? "drums" : "program"}${part.program}`);
    const [, pitch, duration, loudness] = note;
    const seconds = duration / speed;
    if (sound && (!part.drums || sound.notes.some(([own]) => own === pitch))) this.recorded(out, sound, part, pitch, seconds, loudness, at);
    else if (part.drums) this.drum(out, pitch, loudness, at);
    else this.tone(out, part, pitch, seconds, loudness, at);
  }

  recorded(out, { buffer, notes }, part, pitch, duration, loudness, at) {
    const [own, begin, length] = notes.reduce((best, row) => (Math.abs(row[0] - pitch) < Math.abs(best[0] - pitch) ? row : best));
    const rate = part.drums ? 1 : 2 ** ((pitch - own) / 12);
    const release = part.drums ? 0 : TIMBRES[Math.min(part.program >> 3, TIMBRES.length - 1)].release;
    const whole = length / rate;
    const sounding = part.drums ? whole : Math.min(whole, duration + 3 * release);
    const level = ((128 * loudness - 1) / music.bank.velocity) ** 2;
    const source = new AudioBufferSourceNode(this.context, { buffer, playbackRate: rate });
    const gain = new GainNode(this.context, { gain: level });
    gain.gain.setValueAtTime(level, at);
    if (!part.drums) gain.gain.setTargetAtTime(0, at + Math.min(duration, whole - 0.05), release / 3);
    source.connect(gain).connect(out);
    source.start(at, begin, sounding * rate);
  }

  tone(out, part, pitch, duration, loudness, at) {
    const timbre = TIMBRES[Math.min(part.program >> 3, TIMBRES.length - 1)];
    if (!this.waves.has(timbre)) {
      const imaginary = new Float32Array([0, ...timbre.overtones]);
      this.waves.set(timbre, this.context.createPeriodicWave(new Float32Array(imaginary.length), imaginary));
    }
    const oscillator = this.context.createOscillator();
    oscillator.setPeriodicWave(this.waves.get(timbre));
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
  drum(out, pitch, loudness, at) {
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

const inOrder = (clip) => clip.parts.flatMap((part, number) => part.notes.map((note) => ({ part, number, note }))).sort((a, b) => a.note[0] - b.note[0]);

class Player {
  constructor() {
    this.stage = null;
    this.playing = null;
  }

  get now() {
    return this.stage.context.currentTime;
  }

  // Plays a clip from a place on. `moved` hears the place while it plays, `ended` is called once, however it ends.
  // Settings: speed (1), isHeard (number of a part -> whether it is), loop (nothing, or a function that gives [begin, end] or nothing).
  async play(clip, from, moved, ended, { speed = 1, isHeard = () => true, loop = () => null } = {}) {
    this.stop();
    this.stage ??= new Stage(new (window.AudioContext || window.webkitAudioContext)({ latencyHint: "interactive" }));
    const { context, master } = this.stage;
    const out = new GainNode(context);
    const gains = clip.parts.map((_, number) => new GainNode(context, { gain: isHeard(number) ? 1 : 0 }));
    for (const gain of gains) gain.connect(out);
    out.connect(master);
    const run = { out, gains, ended, notes: inOrder(clip), jumps: [], next: 0, zero: 0 };
    this.playing = run;
    await Promise.all([context.resume(), bankIsReady]);
    if (this.playing !== run) return;
    run.zero = this.now + START - from / speed;
    const enter = (place) => {
      run.next = run.notes.findIndex(({ note }) => note[0] >= place - 0.001);
      if (run.next < 0) run.next = run.notes.length;
      for (const { part, number, note } of run.notes.slice(0, run.next)) {
        const left = note[0] + note[2] - place; // of a note that sounds already
        if (left > 0.1 && !part.drums) this.stage.note(gains[number], part, [place, note[1], left, note[3]], run.zero + place / speed, speed);
      }
    };
    enter(from);
    const schedule = () => {
      const horizon = this.now + AHEAD;
      for (;;) {
        const [begin, end] = loop() ?? [0, Infinity];
        const stop = end > from ? end : Infinity; // a loop that lies behind is not entered
        while (run.next < run.notes.length && run.notes[run.next].note[0] < stop && run.zero + run.notes[run.next].note[0] / speed < horizon) {
          const { part, number, note } = run.notes[run.next++];
          const cut = stop < Infinity ? [note[0], note[1], Math.min(note[2], stop - note[0]), note[3]] : note;
          this.stage.note(gains[number], part, cut, run.zero + note[0] / speed, speed);
        }
        const last = Math.min(stop, loop() ? clip.seconds : Infinity);
        if (run.zero + last / speed >= horizon) return;
        run.jumps.push({ at: run.zero + last / speed, before: run.zero });
        run.zero += (last - begin) / speed;
        from = begin;
        enter(begin);
      }
    };
    const show = () => {
      if (this.playing !== run) return;
      while (run.jumps.length && run.jumps[0].at <= this.now) run.jumps.shift();
      const place = (this.now - (run.jumps[0]?.before ?? run.zero)) * speed;
      moved(Math.max(0, Math.min(place, clip.seconds)));
      if (place > clip.seconds + TAIL * speed) this.stop();
      else run.frame = requestAnimationFrame(show);
    };
    schedule();
    run.timer = setInterval(schedule, EVERY);
    run.frame = requestAnimationFrame(show);
  }

  // Lets parts of what plays be heard or not, at once.
  mix(isHeard) {
    this.playing?.gains.forEach((gain, number) => gain.gain.setTargetAtTime(isHeard(number) ? 1 : 0, this.now, 0.012));
  }

  stop() {
    const run = this.playing;
    if (!run) return;
    this.playing = null;
    clearInterval(run.timer);
    cancelAnimationFrame(run.frame);
    run.out.gain.setTargetAtTime(0, this.now, 0.015);
    setTimeout(() => run.out.disconnect(), 200);
    run.ended();
  }

  // The sound of a clip as a WAV file, as it would be heard: 16 bits, stereo.
  async record(clip, speed, isHeard) {
    await bankIsReady;
    const rate = 44100;
    const context = new OfflineAudioContext(2, Math.ceil(rate * (clip.seconds / speed + 2 * TAIL)), rate);
    const stage = new Stage(context);
    for (const { part, number, note } of inOrder(clip)) if (isHeard(number)) stage.note(stage.master, part, note, note[0] / speed, speed);
    const buffer = await context.startRendering();
    const channels = [0, 1].map((channel) => buffer.getChannelData(channel));
    const peak = channels[0].reduce((most, sample) => Math.max(most, Math.abs(sample)), LOUDEST);
    const bytes = new DataView(new ArrayBuffer(44 + 4 * buffer.length));
    const words = (place, text) => [...text].forEach((letter, index) => bytes.setUint8(place + index, letter.charCodeAt(0)));
    words(0, "RIFF");
    bytes.setUint32(4, 36 + 4 * buffer.length, true);
    words(8, "WAVEfmt ");
    const header = [16, 4, 1, 2, 2, 2, rate, 4, 4 * rate, 4, 4, 2, 16, 2]; // value, bytes
    for (let place = 16, index = 0; index < header.length; place += header[index + 1], index += 2) bytes[`setUint${8 * header[index + 1]}`](place, header[index], true);
    words(36, "data");
    bytes.setUint32(40, 4 * buffer.length, true);
    for (let index = 0; index < buffer.length; index++) {
      for (const channel of [0, 1]) bytes.setInt16(44 + 4 * index + 2 * channel, (32767 * LOUDEST * channels[channel][index]) / peak, true);
    }
    return new Blob([bytes.buffer], { type: "audio/wav" });
  }
}

const player = new Player();

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// Light, dark, or as the system has it.
const theme = find("theme");
theme?.addEventListener("click", () => {
  const isDark = getComputedStyle(document.documentElement).getPropertyValue("--is-dark").trim() === "1";
  document.documentElement.dataset.theme = isDark ? "light" : "dark";
  theme.setAttribute("aria-pressed", String(!isDark));
});
