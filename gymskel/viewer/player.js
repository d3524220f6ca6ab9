"use strict";
// Players: a canvas with the skeleton, and tracks below it that run in time with it. No library, no request.
(() => {
  const UNSEEN = -32768;
  const decode = (text, Kind) => new Kind(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);

  const percent = (thousandths) =>
    thousandths >= 995 && thousandths < 1000 ? "over 99 %"
      : thousandths > 0 && thousandths < 5 ? "under 1 %" : `${Math.round(thousandths / 10)} %`;

  // Unpacks what viewer/packing.py packed; positions are in the unit of the recording.
  const unpack = (clip) => {
    const { frames, joints, origin, scale } = clip.keypoints;
    const numbers = decode(clip.keypoints.xy, Int16Array);
    const confidence = decode(clip.keypoints.sure, Uint8Array);
    const at = (frame, joint) => {
      const i = frame * joints + joint;
      if (numbers[2 * i] === UNSEEN) return null;
      const [x, y] = [0, 1].map((k) => numbers[2 * i + k] * scale + origin[k]);
      return { x, y, found: confidence[i] > 0 };
    };
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (let f = 0; f < frames; f++)
      for (let j = 0; j < joints; j++) {
        const p = at(f, j);
        if (p) {
          box[0] = Math.min(box[0], p.x); box[1] = Math.min(box[1], p.y);
          box[2] = Math.max(box[2], p.x); box[3] = Math.max(box[3], p.y);
        }
      }
    const shares = clip.weights && decode(clip.weights.shares, Int8Array);
    const weight = (frame, joint) => {
      if (!shares) return 0;
      const step = Math.min(clip.weights.steps - 1, Math.floor((frame + 0.5) / frames * clip.weights.steps));
      return shares[step * joints + joint] / 127;
    };
    return { at, box, weight, frames, joints };
  };

  class Player {
    constructor(figure) {
      this.figure = figure;
      const find = (selector) => figure.querySelector(selector);
      this.canvas = find("canvas"); this.range = find("input"); this.play = find(".play");
      this.speed = find(".speed"); this.now = find(".now"); this.corner = find(".corner");
      this.frame = 0; this.timer = 0;
      this.load(figure.dataset.clip);
      for (const control of figure.querySelectorAll("button, select, input")) control.disabled = false;
      this.play.addEventListener("click", () => (this.timer ? this.stop() : this.start()));
      find(".back").addEventListener("click", () => this.step(-1));
      find(".forward").addEventListener("click", () => this.step(1));
      this.range.addEventListener("input", () => { this.stop(); this.show(Number(this.range.value)); });
      find(".which")?.addEventListener("change", (event) => this.load(event.target.value));
      find(".tracks").addEventListener("click", (event) => this.seek(event));
      figure.addEventListener("keydown", (event) => this.key(event));
      new ResizeObserver(() => this.draw()).observe(this.canvas);
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    }

    load(key) {
      this.stop();
      this.clip = JSON.parse(document.getElementById(key).textContent);
      this.body = unpack(this.clip);
      this.range.max = this.body.frames - 1;
      if (this.figure.dataset.clip !== key) this.rename();
      this.figure.dataset.clip = key;
      this.show(0);
    }

    // Shows the name and tracks of another recording in the same player.
    rename() {
      const { name, tracks } = this.clip;
      this.figure.querySelector("figcaption").textContent = name;
      this.canvas.setAttribute("aria-label", `The skeleton of ${name} at the current frame`);
      this.figure.querySelector(".controls").setAttribute("aria-label", `Player of ${name}`);
      this.figure.querySelectorAll(".lane img").forEach((image, k) => {
        image.closest(".track").hidden = !tracks[k];
        if (tracks[k]) image.src = tracks[k].src;
      });
      const probabilities = this.clip.probabilities;
      this.corner.textContent = "";
      if (probabilities && !probabilities.values) this.showProbabilities(probabilities.final);
    }

    seconds(frame) {
      const { times, fps } = this.clip;
      return times ? times[frame] - times[0] : fps ? frame / fps : null;
    }

    show(frame) {
      this.frame = Math.max(0, Math.min(this.body.frames - 1, frame));
      const seconds = this.seconds(this.frame);
      const text = `${seconds === null ? "" : `${seconds.toFixed(2)} s, `}frame ${this.frame} of 0 to ${this.body.frames - 1}`;
      this.range.value = this.frame;
      this.range.setAttribute("aria-valuetext", text);
      this.now.textContent = text;
      const place = `${(this.frame + 0.5) / this.body.frames * 100}%`;
      for (const cursor of this.figure.querySelectorAll(".cursor")) cursor.style.left = place;
      const probabilities = this.clip.probabilities;
      if (probabilities?.values) this.showProbabilities(probabilities.values.map((values) => values[this.frame]));
      this.draw();
    }

    // Probabilities in the corner, the largest first.
    showProbabilities(values) {
      const rows = values.map((value, k) => [value, this.clip.probabilities.classes[k]]);
      const known = rows.filter(([value]) => value !== null).sort((a, b) => b[0] - a[0]).slice(0, 4);
      this.corner.replaceChildren(...known.flatMap(([value, name], k) =>
        [...(k ? [document.createElement("br")] : []), `${name} ${percent(value)}`]));
      if (!known.length) this.corner.textContent = "no answer yet";
    }

    step(by) { this.stop(); this.show(this.frame + by); }

    start() {
      if (this.frame === this.body.frames - 1) this.show(0);
      this.label("Pause", "\u275A\u275A");
      const begun = performance.now(), from = this.frame, rate = Number(this.speed.value);
      const when = (frame) => this.seconds(frame) ?? frame / 30;
      const tick = (time) => {
        const due = when(from) + (time - begun) / 1000 * rate;
        let frame = from;
        while (frame < this.body.frames - 1 && when(frame + 1) <= due) frame++;
        if (frame !== this.frame) this.show(frame);
        if (frame === this.body.frames - 1) this.stop();
        else this.timer = requestAnimationFrame(tick);
      };
      this.timer = requestAnimationFrame(tick);
    }

    stop() {
      if (this.timer) cancelAnimationFrame(this.timer);
      this.timer = 0;
      this.label("Play", "\u25B6");
    }

    label(name, sign) {
      this.play.setAttribute("aria-label", name);
      this.play.firstElementChild.textContent = sign;
    }

    seek(event) {
      const lane = event.target.closest(".lane");
      if (!lane) return;
      const { left, width } = lane.getBoundingClientRect();
      this.stop();
      this.show(Math.floor((event.clientX - left) / width * this.body.frames));
    }

    // Arrow keys step wherever the focus is in the player, except in the slider and lists, which use them themselves.
    key(event) {
      if (event.target.matches("input, select") || event.ctrlKey || event.altKey || event.metaKey) return;
      const by = { ArrowLeft: -1, ArrowRight: 1, Home: -this.body.frames, End: this.body.frames }[event.key];
      if (by === undefined) return;
      event.preventDefault();
      this.step(by);
    }

    draw() {
      const { canvas, body, clip } = this, dots = window.devicePixelRatio || 1;
      const [width, height] = [canvas.clientWidth, canvas.clientHeight];
      if (!width || !height) return;
      canvas.width = width * dots; canvas.height = height * dots;
      const pen = canvas.getContext("2d"), style = getComputedStyle(this.figure);
      const colour = (name) => style.getPropertyValue(`--${name}`).trim();
      pen.scale(dots, dots);
      const [left, top, right, bottom] = body.box, edge = 24;
      const zoom = Math.min((width - 2 * edge) / (right - left || 1), (height - 2 * edge) / (bottom - top || 1));
      const x = (p) => width / 2 + (p.x - (left + right) / 2) * zoom;
      const y = (p) => height - edge + (p.y - bottom) * zoom;
      pen.strokeStyle = colour("line");
      pen.beginPath(); pen.moveTo(0, height - edge + 4); pen.lineTo(width, height - edge + 4); pen.stroke();
      const places = Array.from({ length: body.joints }, (_, joint) => body.at(this.frame, joint));
      pen.lineCap = "round"; pen.lineWidth = 4;
      for (const [a, b] of clip.limbs)
        if (places[a] && places[b]) {
          const side = clip.sides[a] === "middle" ? clip.sides[b] : clip.sides[a];
          const both = clip.sides[a] !== "middle" && clip.sides[b] !== "middle" && clip.sides[a] !== clip.sides[b];
          pen.strokeStyle = colour(both ? "middle" : side);
          pen.beginPath(); pen.moveTo(x(places[a]), y(places[a])); pen.lineTo(x(places[b]), y(places[b])); pen.stroke();
        }
      places.forEach((place, joint) => {
        if (!place) return;
        pen.beginPath(); pen.arc(x(place), y(place), 4, 0, 7);
        pen.fillStyle = colour(place.found ? clip.sides[joint] : "paper"); pen.fill();
        pen.lineWidth = 1.5; pen.strokeStyle = colour(clip.sides[joint]); pen.stroke();
        const weight = body.weight(this.frame, joint);
        if (Math.abs(weight) > 0.05) {
          pen.globalAlpha = 0.55; pen.fillStyle = colour(weight > 0 ? "for" : "against");
          pen.beginPath(); pen.arc(x(place), y(place), 4 + 16 * Math.sqrt(Math.abs(weight)), 0, 7); pen.fill();
          pen.globalAlpha = 1;
        }
      });
      if (!places.some(Boolean)) {
        pen.fillStyle = colour("quiet"); pen.font = "16px system-ui, sans-serif"; pen.textAlign = "center";
        pen.fillText("no person is seen in this frame", width / 2, height / 2);
      }
    }
  }

  for (const figure of document.querySelectorAll(".player")) new Player(figure);
})();
