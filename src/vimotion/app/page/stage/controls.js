// The bar under the stage: play, scrub, speed, loop, cameras and looks; and their keys.

const SPEEDS = [0.25, 0.5, 1, 1.5, 2];
const CAMERAS = { orbit: "Orbit", follow: "Follow", top: "Top" };
const ARRANGEMENTS = { side: "Side by side", over: "Overlaid" };

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export class Controls {
  constructor(root, stage) {
    this.stage = stage;
    const button = (label, keys, onclick) =>
      make("button", { type: "button", "aria-label": label, title: `${label} (${keys})`, onclick });
    this.play = button("Play", "space", () => stage.toggle());
    this.loop = button("Loop", "L", () => stage.change({ loop: !stage.state.loop }));
    this.loop.textContent = "⟳";
    this.scrub = make("input", {
      type: "range", min: 0, value: 0, step: 1, "aria-label": "Frame", class: "stage-scrub",
      oninput: () => stage.change({ frame: Number(this.scrub.value), playing: false }),
    });
    this.count = make("output", { class: "stage-count", "aria-label": "Frame number" });
    this.speed = this.select("Speed", SPEEDS.map((speed) => [speed, `${speed}×`]), (value) => ({ speed: Number(value) }));
    this.camera = this.select("Camera", Object.entries(CAMERAS), (camera) => ({ camera }));
    this.look = this.select("Look", [["mesh", "Mesh"], ["bones", "Skeleton"]], (look) => ({ mesh: look === "mesh" }));
    this.arrange = this.select("Comparison", Object.entries(ARRANGEMENTS), (arrange) => ({ arrange }));
    this.contacts = this.tick("Contacts", "contacts");
    this.trails = this.tick("Trails", "trails");
    this.bar = make(
      "div", { class: "stage-bar", role: "group", "aria-label": "Playback and view" },
      make("div", { class: "stage-time" }, this.play, this.scrub, this.count, this.loop),
      make(
        "div", { class: "stage-looks" },
        ...[this.speed, this.camera, this.look, this.arrange, this.contacts, this.trails].map(({ field }) => field),
      ),
    );
    root.append(this.bar);
    this.onkey = (event) => this.key(event);
    document.addEventListener("keydown", this.onkey);
    this.refresh();
  }

  select(label, options, changes) {
    const input = make(
      "select", { onchange: () => this.stage.change(changes(input.value)) },
      ...options.map(([value, words]) => make("option", { value }, words)),
    );
    return { input, field: make("label", {}, make("span", { class: "unseen" }, label), input) };
  }

  tick(label, name) {
    const input = make("input", { type: "checkbox", onchange: () => this.stage.change({ [name]: input.checked }) });
    return { input, field: make("label", { class: "stage-tick" }, input, label) };
  }

  /** As the stage is now. */
  refresh() {
    const { state, frames, performances } = this.stage;
    const frame = Math.floor(state.frame);
    const growing = performances.some((performance) => performance.growing);
    this.play.textContent = state.playing ? "❚❚" : "▶";
    this.play.setAttribute("aria-label", state.playing ? "Pause" : "Play");
    this.loop.setAttribute("aria-pressed", state.loop);
    this.scrub.max = frames - 1;
    this.scrub.value = frame;
    this.count.textContent = performances.length ? `${frame + 1} / ${frames}${growing ? " …" : ""}` : "– / –";
    for (const element of [this.play, this.scrub]) element.disabled = !performances.length;
    this.speed.input.value = state.speed;
    this.camera.input.value = state.camera;
    this.look.input.value = state.mesh ? "mesh" : "bones";
    this.arrange.input.value = state.arrange;
    this.arrange.field.hidden = performances.length < 2;
    this.contacts.input.checked = state.contacts;
    this.trails.input.checked = state.trails;
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const tag = event.target.tagName;
    if (["INPUT", "TEXTAREA", "SELECT"].includes(tag) || (["BUTTON", "SUMMARY", "A"].includes(tag) && event.key === " ")) return;
    const { stage } = this;
    const { state, frames } = stage;
    const frame = Math.floor(state.frame);
    const faster = (step) => {
      const speed = SPEEDS[Math.min(Math.max(0, SPEEDS.indexOf(state.speed) + step), SPEEDS.length - 1)];
      return stage.change({ speed });
    };
    const keys = {
      " ": () => stage.toggle(),
      ArrowLeft: () => stage.change({ frame: frame - 1, playing: false }),
      ArrowRight: () => stage.change({ frame: frame + 1, playing: false }),
      Home: () => stage.change({ frame: 0, playing: false }),
      End: () => stage.change({ frame: frames - 1, playing: false }),
      "+": () => faster(1),
      "-": () => faster(-1),
      l: () => stage.change({ loop: !state.loop }),
      m: () => stage.change({ mesh: !state.mesh }),
      c: () => stage.change({ contacts: !state.contacts }),
      t: () => stage.change({ trails: !state.trails }),
      1: () => stage.change({ camera: "orbit" }),
      2: () => stage.change({ camera: "follow" }),
      3: () => stage.change({ camera: "top" }),
    };
    if (!(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  }

  dispose() {
    document.removeEventListener("keydown", this.onkey);
    this.bar.remove();
  }
}
