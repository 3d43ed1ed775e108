// One motion on the stage: its people, their trails on the floor and the marks of what they touch.
import { THREE } from "nicegui-scene";
import { Person, ROW, floats } from "vimotion-stage/person.js";

const MOST_MARKS = 24;
const FOOT = 0;

export class Performance {
  constructor(human, item, ghost = false) {
    this.human = human;
    this.ghost = ghost;
    this.id = item.id;
    this.label = item.label;
    this.group = new THREE.Group();
    this.people = [];
    this.trails = [];
    this.poses = new Float32Array(0);
    this.marks = [];
    this.frames = 0;
    this.growing = false;
    const disc = new THREE.CircleGeometry(0.07, 20).rotateX(-Math.PI / 2);
    this.feet = this.markers(disc, 0x2fbf71, 0.75);
    this.hands = this.markers(new THREE.SphereGeometry(0.075, 14, 10), 0xffd23f, 0.7);
    this.feet.renderOrder = 1;
  }

  markers(geometry, color, opacity) {
    const material = new THREE.MeshBasicMaterial({ color, transparent: true, opacity, depthWrite: false });
    const marks = new THREE.InstancedMesh(geometry, material, MOST_MARKS);
    marks.frustumCulled = false;
    marks.count = 0;
    this.group.add(marks);
    return marks;
  }

  /** The frames of a take from its start on; later pieces may mend the end of earlier ones. */
  add(take) {
    while (this.people.length < take.people) this.addPerson(this.people.length);
    this.people.forEach((person, number) => person.fit(take.skeletons[number]));
    this.fps = take.fps;
    this.lift = take.lift;
    const row = ROW * take.people;
    const poses = new Float32Array(take.frames * row);
    poses.set(this.poses.subarray(0, take.start * row));
    poses.set(floats(take.poses), take.start * row);
    this.poses = poses;
    this.marks = [...this.marks.slice(0, take.start), ...take.marks];
    this.frames = take.frames;
    this.trails.forEach((trail, number) => {
      const path = new Float32Array(3 * this.frames);
      for (let frame = 0; frame < this.frames; frame += 1) {
        const at = (frame * take.people + number) * ROW;
        path.set([poses[at], 0.012, poses[at + 2]], 3 * frame);
      }
      trail.geometry.dispose();
      trail.geometry = new THREE.BufferGeometry();
      trail.geometry.setAttribute("position", new THREE.BufferAttribute(path, 3));
    });
  }

  addPerson(number) {
    const person = new Person(this.human, number, this.ghost);
    const trail = new THREE.Line(new THREE.BufferGeometry(), new THREE.LineBasicMaterial({ color: person.colour }));
    trail.frustumCulled = false;
    this.people.push(person);
    this.trails.push(trail);
    this.group.add(person.group, trail);
  }

  look({ mesh, contacts, trails }) {
    this.people.forEach((person) => {
      person.look(mesh);
      person.group.position.y = mesh ? this.lift : 0;
    });
    this.trails.forEach((trail) => (trail.visible = trails));
    this.contacts = contacts && !this.ghost;
    this.hands.position.y = mesh ? this.lift : 0;
  }

  /** Everybody as at a moment, counted in frames; after the end as at the end. */
  pose(moment) {
    const last = this.frames - 1;
    const one = Math.min(Math.floor(moment), last);
    const two = Math.min(one + 1, last);
    const row = ROW * this.people.length;
    this.people.forEach((person, number) => {
      person.pose(this.poses, one * row + number * ROW, two * row + number * ROW, moment > last ? 0 : moment - one);
      this.trails[number].geometry.setDrawRange(0, one + 1);
    });
    this.feet.count = this.hands.count = 0;
    const marks = this.contacts ? (this.marks[one] ?? []) : [];
    for (let at = 0; at < marks.length; at += 4) {
      const where = marks[at + 3] === FOOT ? this.feet : this.hands;
      if (where.count === MOST_MARKS) continue;
      where.setMatrixAt(where.count, new THREE.Matrix4().makeTranslation(marks[at], marks[at + 1] + 0.008, marks[at + 2]));
      where.count += 1;
    }
    for (const where of [this.feet, this.hands]) where.instanceMatrix.needsUpdate = true;
  }

  /** Where a pelvis is in a frame, in the performance's own axes. */
  root(frame, number) {
    const at = (Math.min(frame, this.frames - 1) * this.people.length + number) * ROW;
    return new THREE.Vector3(this.poses[at], this.poses[at + 1], this.poses[at + 2]);
  }

  /** The box of all pelvises over all frames. */
  bounds() {
    const box = new THREE.Box3();
    for (let frame = 0; frame < this.frames; frame += 1) {
      this.people.forEach((_, number) => box.expandByPoint(this.root(frame, number)));
    }
    return box;
  }

  dispose() {
    this.people.forEach((person) => person.dispose());
    for (const part of [...this.trails, this.feet, this.hands]) {
      part.geometry.dispose();
      part.material.dispose();
    }
  }
}
