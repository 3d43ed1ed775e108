// A person on the stage: a skinned mesh, or its bones, moved by poses as takes.py writes them.
import { THREE } from "nicegui-scene";

const JOINTS = 22;
export const ROW = 3 + 4 * JOINTS; // numbers of a person in a frame

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
export const floats = (text) => new Float32Array(bytes(text));

/** The mesh and the colours that all people share. */
export class Human {
  constructor(given) {
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute("position", new THREE.BufferAttribute(floats(given.vertices), 3));
    geometry.setAttribute("normal", new THREE.BufferAttribute(floats(given.normals), 3));
    geometry.setAttribute("skinWeight", new THREE.BufferAttribute(floats(given.weights), 4));
    geometry.setAttribute("skinIndex", new THREE.BufferAttribute(new Uint8Array(bytes(given.joints)), 4));
    geometry.setIndex(new THREE.BufferAttribute(new Uint16Array(bytes(given.faces)), 1));
    given.regions.reduce((start, count, region) => (geometry.addGroup(start, count, region), start + count), 0);
    this.geometry = geometry;
    this.colours = given.colours;
    this.parents = given.parents;
    this.bone = new THREE.CylinderGeometry(0.014, 0.034, 1, 7).translate(0, 0.5, 0);
  }
}

export class Person {
  /** `ghost`: translucent, as the source over which a motion is laid. */
  constructor(human, number, ghost) {
    this.parents = human.parents;
    this.group = new THREE.Group();
    this.bones = Array.from({ length: JOINTS }, () => new THREE.Bone());
    this.bones.forEach((bone, joint) => (joint ? this.bones[this.parents[joint]] : this.group).add(bone));
    const clear = ghost ? { transparent: true, opacity: 0.35, depthWrite: false } : {};
    this.materials = human.colours[number].map(
      (color) => new THREE.MeshStandardMaterial({ color, roughness: 0.85, metalness: 0, ...clear }),
    );
    this.colour = human.colours[number][0];
    this.mesh = new THREE.SkinnedMesh(human.geometry, this.materials);
    this.skeleton = new THREE.Skeleton(this.bones, this.bones.map(() => new THREE.Matrix4()));
    this.mesh.bind(this.skeleton, new THREE.Matrix4());
    this.sticks = new THREE.InstancedMesh(human.bone, this.materials[0], JOINTS - 1);
    for (const part of [this.mesh, this.sticks]) {
      part.castShadow = !ghost;
      part.frustumCulled = false; // its bounds are those of the rest pose
      this.group.add(part);
    }
  }

  fit({ offsets, binding }) {
    this.bones.forEach((bone, joint) => {
      if (joint) bone.position.fromArray(offsets, 3 * joint);
      this.skeleton.boneInverses[joint].set(...binding.slice(12 * joint, 12 * joint + 12), 0, 0, 0, 1);
    });
  }

  look(mesh) {
    this.mesh.visible = mesh;
    this.sticks.visible = !mesh;
  }

  /** The pose between two rows of `poses`, which begin at these places; joints turn the short way. */
  pose(poses, one, two, part) {
    const root = this.bones[0].position;
    for (const axis of [0, 1, 2]) root.setComponent(axis, poses[one + axis] * (1 - part) + poses[two + axis] * part);
    const turn = [0, 0, 0, 1];
    this.bones.forEach((bone, joint) => {
      const at = 3 + 4 * joint;
      THREE.Quaternion.slerpFlat(turn, 0, poses, one + at, poses, two + at, part);
      bone.quaternion.fromArray(turn);
    });
    this.group.updateMatrixWorld(true);
    if (this.sticks.visible) this.placeSticks();
  }

  placeSticks() {
    const up = new THREE.Vector3(0, 1, 0);
    const back = this.group.matrixWorld.clone().invert();
    const places = this.bones.map((bone) => new THREE.Vector3().setFromMatrixPosition(bone.matrixWorld).applyMatrix4(back));
    for (let joint = 1; joint < JOINTS; joint += 1) {
      const from = places[this.parents[joint]];
      const way = places[joint].clone().sub(from);
      const length = way.length() || 1e-6;
      const turn = new THREE.Quaternion().setFromUnitVectors(up, way.divideScalar(length));
      const thick = Math.min(1, 6 * length);
      this.sticks.setMatrixAt(joint - 1, new THREE.Matrix4().compose(from, turn, new THREE.Vector3(thick, length, thick)));
    }
    this.sticks.instanceMatrix.needsUpdate = true;
  }

  dispose() {
    this.materials.forEach((material) => material.dispose());
    this.sticks.dispose();
    this.skeleton.dispose();
  }
}
