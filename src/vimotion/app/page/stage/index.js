// The stage: a lit floor, one or two motions on it in step, a clock and three cameras. Used by the page and by the gallery.
import { THREE, OrbitControls } from "nicegui-scene";
import { Controls } from "vimotion-stage/controls.js";
import { Performance } from "vimotion-stage/performance.js";
import { Human } from "vimotion-stage/person.js";

const LOOKS = { dark: ["#171a21", "#262b36", "#3b4250"], light: ["#dfe5ee", "#d9dfe8", "#b4bdca"] };
const APART = 1; // metres between two motions side by side
const EYE = 0.85; // height that cameras look at

export class Stage {
  /** Fills an element. `human` as takes.py gives it. */
  constructor(root, human) {
    root.stage = this; // for a console, and for tests
    root.classList.add("stage");
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", "Stage, empty");
    this.legend = Object.assign(document.createElement("p"), { className: "stage-legend" });
    const view = Object.assign(document.createElement("div"), { className: "stage-view" });
    view.append(this.canvas, this.legend);
    root.append(view);
    this.performances = [];
    this.state = {
      frame: 0, playing: false, speed: 1, loop: true, camera: "orbit", arrange: "side",
      mesh: true, contacts: true, trails: true,
    };
    this.controls = new Controls(root, this);
    try {
      this.renderer = new THREE.WebGLRenderer({ canvas: this.canvas, antialias: true, preserveDrawingBuffer: true });
    } catch {
      this.legend.textContent = "This browser shows no WebGL, which the stage needs; the files can still be downloaded.";
      return;
    }
    this.human = new Human(human);
    this.build();
    this.follow = new ResizeObserver(() => this.resize());
    this.follow.observe(view);
    this.theme = new MutationObserver(() => this.restyle());
    this.theme.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    this.restyle();
    this.resize();
    this.rehearse();
    this.running = requestAnimationFrame((now) => this.tick(now));
  }

  build() {
    this.renderer.shadowMap.enabled = true;
    const slow = drawnByProcessor(this.renderer.getContext());
    this.renderer.shadowMap.type = slow ? THREE.BasicShadowMap : THREE.PCFShadowMap;
    this.renderer.setPixelRatio(slow ? 0.75 : Math.min(window.devicePixelRatio, 2));
    this.scene = new THREE.Scene();
    this.sky = new THREE.HemisphereLight(0xffffff, 0x8d8478, 1.5);
    this.lamp = new THREE.DirectionalLight(0xfff4e2, 1.6);
    this.front = new THREE.DirectionalLight(0xffffff, 1.2); // goes with the camera: faces are never in the dark
    this.lamp.castShadow = true;
    this.lamp.shadow.mapSize.set(1024, 1024);
    this.lamp.shadow.bias = -0.0006;
    this.lamp.shadow.normalBias = 0.02;
    this.floor = new THREE.Mesh(
      new THREE.CircleGeometry(60, 48).rotateX(-Math.PI / 2),
      new THREE.MeshStandardMaterial({ roughness: 1 }),
    );
    this.floor.receiveShadow = true;
    this.scene.add(this.sky, this.lamp, this.lamp.target, this.front, this.front.target, this.floor);
    this.camera = new THREE.PerspectiveCamera(35, 1, 0.1, 100);
    this.orbit = new OrbitControls(this.camera, this.canvas);
    this.orbit.maxPolarAngle = Math.PI / 2 - 0.03;
    this.orbit.minDistance = 1;
    this.orbit.maxDistance = 30;
    this.orbit.addEventListener("change", () => (this.dirty = true));
    this.orbit.addEventListener("start", () => (this.goal = null, this.held = true)); // the camera is the user's now
    this.camera.position.set(4, 2.4, 4);
    this.orbit.target.set(0, EYE, 0);
    this.orbit.update();
  }

  /** Draws everything once where nobody sees it: compiling shaders takes seconds where there is no GPU. */
  rehearse() {
    this.rehearsed = new Performance(this.human, {});
    this.rehearsed.addPerson(0);
    this.rehearsed.group.position.y = -20;
    this.rehearsed.feet.count = this.rehearsed.hands.count = 1;
    this.scene.add(this.rehearsed.group);
    this.renderer.render(this.scene, this.camera);
    this.scene.remove(this.rehearsed.group); // kept, and its shaders with it
  }

  restyle() {
    const [sky, floor, lines] = LOOKS[document.documentElement.dataset.theme] ?? LOOKS.light;
    this.scene.background = new THREE.Color(sky);
    this.scene.fog = new THREE.Fog(sky);
    this.floor.material.color.set(floor);
    const place = this.grid?.position ?? new THREE.Vector3(0, 0.003, 0);
    if (this.grid) {
      this.scene.remove(this.grid);
      this.grid.dispose();
    }
    this.grid = new THREE.GridHelper(60, 60, lines, lines);
    this.grid.position.copy(place);
    this.scene.add(this.grid);
    this.dirty = true;
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas.parentElement;
    if (!width || !height) return;
    this.renderer.setSize(width, height, false);
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
    this.dirty = true;
  }

  // -- what is on the stage

  /** Puts motions on the stage: [{id, label, url or take}], the one that it is about first, then perhaps its source. */
  async show(items) {
    if (!this.renderer) return;
    this.asked = items;
    const takes = await Promise.all(items.map((item) => (item.take ??= fetched(item.url))));
    if (this.asked !== items) return; // something else was asked for meanwhile
    const stays = this.performances.length === 1 && items.length === 1 && this.performances[0].id === items[0].id;
    this.clear();
    items.forEach((item, number) => this.enter(item, takes[number], number > 0 && this.state.arrange === "over"));
    this.change(stays ? {} : { frame: 0, playing: moves() });
    this.arrange(!stays);
  }

  /** A motion that is still being made has one more step: {id, label, take}, of which only the changed frames come. */
  grow(item) {
    if (!this.renderer) return;
    this.asked = null;
    let [known] = this.performances;
    const fresh = known?.id !== item.id;
    if (fresh) {
      this.clear();
      known = this.enter(item, item.take);
      this.change({ frame: 0, playing: moves() });
    } else known.add(item.take);
    known.growing = true;
    this.arrange(fresh, !this.held);
  }

  /** A motion that was being made is given up, or is all there. */
  settle() {
    this.performances.forEach((performance) => (performance.growing = false));
    this.controls.refresh();
  }

  clear() {
    this.performances.forEach((performance) => {
      this.scene.remove(performance.group);
      performance.dispose();
    });
    this.performances = [];
    this.dirty = true;
    this.say();
    this.controls.refresh();
  }

  /** Nothing is on the stage any more. */
  empty() {
    if (!this.renderer) return;
    this.asked = null;
    this.clear();
  }

  enter(item, take, ghost = false) {
    const performance = new Performance(this.human, item, ghost);
    performance.add(take);
    this.performances.push(performance);
    this.scene.add(performance.group);
    return performance;
  }

  /** Each motion at its place; the camera at once where it sees all, or on its way there. */
  arrange(aim, move = false) {
    const [first, second] = this.performances;
    this.performances.forEach((performance) => performance.look(this.state));
    const box = first.bounds();
    if (aim) this.way = this.across(first);
    const across = this.way;
    if (second && this.state.arrange === "side") {
      const reach = [first, second].map((performance) => corners(performance.bounds()).map((corner) => corner.dot(across)));
      const shift = Math.max(...reach[1]) - Math.min(...reach[0]) + APART;
      second.group.position.copy(across).multiplyScalar(-shift);
      box.union(second.bounds().translate(second.group.position));
    }
    this.say();
    this.controls.refresh();
    this.dirty = true;
    if (aim || move) this.aim(box, across, aim);
    else this.light(box);
  }

  /** From person a to person b, level: that way runs across the picture. */
  across(performance) {
    const middle = Math.floor(performance.frames / 2);
    if (performance.people.length < 2) return new THREE.Vector3(0.8, 0, -0.6);
    const way = performance.root(middle, 1).sub(performance.root(middle, 0)).setY(0);
    return way.lengthSq() > 1e-4 ? way.normalize() : new THREE.Vector3(0, 0, 1);
  }

  light(box) {
    const centre = box.getCenter(new THREE.Vector3()).setY(0);
    const reach = box.getSize(new THREE.Vector3()).setY(0).length() / 2 + 2.2;
    for (const ground of [this.floor, this.grid]) ground.position.set(Math.round(centre.x), ground.position.y, Math.round(centre.z));
    this.lamp.position.copy(centre).add(new THREE.Vector3(-0.45, 1, 0.5).multiplyScalar(reach * 2));
    this.lamp.target.position.copy(centre);
    const lens = this.lamp.shadow.camera;
    lens.left = lens.bottom = -reach;
    lens.right = lens.top = reach;
    lens.far = reach * 5;
    lens.updateProjectionMatrix();
    return { centre, reach };
  }

  aim(box, across, now) {
    const { centre } = this.light(box);
    const half = box.getSize(new THREE.Vector3());
    const wide = Math.abs(half.x * across.x) + Math.abs(half.z * across.z) + 1.2;
    const deep = Math.abs(half.x * across.z) + Math.abs(half.z * across.x);
    const slope = Math.tan((this.camera.fov * Math.PI) / 360);
    const away = Math.max(wide / (2 * slope * this.camera.aspect), 2.2 / (2 * slope)) + deep / 2;
    const target = centre.clone().setY(EYE);
    const position = centre.clone();
    if (this.state.camera === "top") {
      position.addScaledVector(this.beside(across), 0.01).setY(away + 1.5);
    } else {
      const from = this.beside(across).multiplyScalar(Math.cos(0.3) * away).setY(Math.sin(0.3) * away);
      position.copy(target).add(from.applyAxisAngle(new THREE.Vector3(0, 1, 0), 0.35));
    }
    this.goal = { position, target };
    if (now) {
      this.held = false;
      this.approach(1);
    }
  }

  /** Brings the camera a part of the way to where it should be. */
  approach(part) {
    this.camera.position.lerp(this.goal.position, part);
    this.orbit.target.lerp(this.goal.target, part);
    this.orbit.update();
    this.dirty = true;
    if (part === 1 || this.camera.position.distanceTo(this.goal.position) < 0.005) this.goal = null;
  }

  beside(across) {
    return new THREE.Vector3(-across.z, 0, across.x);
  }

  /** The legend and the name of the picture, in words. */
  say() {
    const names = this.performances.map((performance) => performance.label);
    const [first, second] = names;
    const over = this.state.arrange === "over";
    this.legend.textContent = second
      ? over ? `“${first}” over “${second}” (translucent)` : `Left: “${second}” · right: “${first}”`
      : (first ?? "");
    this.canvas.setAttribute("aria-label", names.length ? `Stage: ${names.join(" beside ")}` : "Stage, empty");
  }

  // -- the clock

  get frames() {
    return Math.max(1, ...this.performances.map((performance) => performance.frames));
  }

  change(changes) {
    const before = { ...this.state };
    Object.assign(this.state, changes);
    this.state.frame = Math.min(Math.max(0, this.state.frame), this.frames - 1);
    if (this.state.arrange !== before.arrange && this.performances.length > 1) this.show(this.asked);
    else if (this.performances.length && ["mesh", "contacts", "trails"].some((name) => name in changes)) {
      this.performances.forEach((performance) => performance.look(this.state));
    }
    if (this.state.camera !== before.camera && this.renderer) this.turn();
    this.controls.refresh();
    this.dirty = true;
  }

  turn() {
    this.orbit.enableRotate = this.state.camera !== "top";
    this.followed = null;
    if (this.performances.length) this.arrange(true);
  }

  toggle() {
    const atEnd = this.state.frame >= this.frames - 1;
    this.change({ playing: !this.state.playing, ...(atEnd && !this.state.playing ? { frame: 0 } : {}) });
  }

  tick(now) {
    this.running = requestAnimationFrame((next) => this.tick(next));
    const passed = Math.min((now - (this.now ?? now)) / 1000, 0.25);
    this.now = now;
    if (this.state.playing && this.performances.length) this.advance(passed);
    if (this.goal) this.approach(Math.min(1, 4 * passed));
    if (!this.dirty) return;
    this.dirty = false;
    this.performances.forEach((performance) => performance.pose(this.state.frame));
    if (this.state.camera === "follow" && this.performances.length) this.trace();
    const away = this.camera.position.distanceTo(this.orbit.target);
    Object.assign(this.scene.fog, { near: 1.6 * away + 3, far: 2.2 * away + 16 }); // the floor ends unseen
    this.front.position.copy(this.camera.position);
    this.front.target.position.copy(this.orbit.target);
    this.renderer.render(this.scene, this.camera);
    this.canvas.dataset.frame = Math.floor(this.state.frame);
    this.canvas.dataset.rendered = Number(this.canvas.dataset.rendered ?? 0) + 1;
  }

  advance(passed) {
    const last = this.frames - 1;
    const growing = this.performances.some((performance) => performance.growing);
    const moment = this.state.frame + passed * this.state.speed * this.performances[0].fps;
    if (moment < last) this.state.frame = moment;
    else if (growing) this.state.frame = last; // waits for the next step
    else if (this.state.loop && last > 0) this.state.frame = moment % (last + 1);
    else Object.assign(this.state, { frame: last, playing: false });
    this.controls.refresh();
    this.dirty = true;
  }

  /** The camera goes along with the people. */
  trace() {
    const [first] = this.performances;
    const middle = new THREE.Vector3();
    first.people.forEach((_, number) => middle.add(first.root(Math.floor(this.state.frame), number)));
    middle.divideScalar(first.people.length).setY(EYE);
    const step = middle.sub(this.orbit.target).multiplyScalar(this.followed ? 0.25 : 1);
    this.followed = true;
    this.orbit.target.add(step);
    this.camera.position.add(step);
  }

  dispose() {
    cancelAnimationFrame(this.running);
    this.controls.dispose();
    this.follow?.disconnect();
    this.theme?.disconnect();
    this.clear();
    this.rehearsed?.dispose();
    this.renderer?.dispose();
  }
}

function corners({ min, max }) {
  return [min.x, max.x].flatMap((x) => [min.z, max.z].map((z) => new THREE.Vector3(x, 0, z)));
}

/** Whether there is no GPU: then a picture costs half as much with hard shadows and fewer pixels. */
function drawnByProcessor(gl) {
  const names = gl.getExtension("WEBGL_debug_renderer_info");
  return /swiftshader|llvmpipe|software|basic render/i.test(names ? gl.getParameter(names.UNMASKED_RENDERER_WEBGL) : "");
}

/** Whether what is new plays by itself. */
function moves() {
  return !window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** The JSON at an address of this server. */
export async function fetched(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error((await response.json()).error.message);
  return response.json();
}
