"""InterHuman's official preprocessing, written down step by step in float64 and without anything of ours.

Steps 1 to 5 of `process_motion_np` and of the data set's `__getitem__` in tr3e/InterGen, without the random crop, the random
exchange of the persons and the padding. Rotations are quaternions (w, x, y, z).
"""

import numpy as np

LEFT = [1, 4, 7, 10, 13, 16, 18, 20]
RIGHT = [2, 5, 8, 11, 14, 17, 19, 21]


def multiply(q, r):
    w1, x1, y1, z1 = q
    w2, x2, y2, z2 = r
    return np.array(
        [
            w1 * w2 - x1 * x2 - y1 * y2 - z1 * z2,
            w1 * x2 + x1 * w2 + y1 * z2 - z1 * y2,
            w1 * y2 - x1 * z2 + y1 * w2 + z1 * x2,
            w1 * z2 + x1 * y2 - y1 * x2 + z1 * w2,
        ]
    )


def inverse(q):
    return q * np.array([1.0, -1.0, -1.0, -1.0])


def rotate(q, v):
    axis = q[1:]
    across = np.cross(axis, v)
    return v + 2 * (q[0] * across + np.cross(axis, across))


def between(v, u):
    q = np.array([np.sqrt(np.dot(v, v) * np.dot(u, u)) + np.dot(v, u), *np.cross(v, u)])
    return q / np.sqrt((q**2).sum())


def mirrored(motion):
    """The official left-right mirror of (T, 492) in the Z-up frame, of the columns that are read."""
    motion = motion.copy()
    positions = motion[:, :66].reshape(-1, 22, 3).copy()
    positions[..., 0] *= -1
    positions[:, LEFT + RIGHT] = positions[:, RIGHT + LEFT]
    six = motion[:, 186:312].reshape(-1, 21, 6).copy()
    six[..., [1, 2, 4]] *= -1
    left, right = [joint - 1 for joint in LEFT], [joint - 1 for joint in RIGHT]
    six[:, left + right] = six[:, right + left]
    motion[:, :66] = positions.reshape(-1, 66)
    motion[:, 186:312] = six.reshape(-1, 126)
    return motion


def one_person(motion):
    """(T, 492) → frame vectors (T − 1, 262), the turn q to +Z, and the place on the ground in frame 0."""
    positions = motion[:, :66].reshape(-1, 22, 3)
    positions = np.stack([positions[..., 0], positions[..., 2], -positions[..., 1]], axis=-1)
    positions[..., 1] -= positions[..., 1].min()
    root = positions[0, 0] * np.array([1.0, 0.0, 1.0])
    positions = positions - root
    across = positions[0, 2] - positions[0, 1]
    forward = np.cross([0.0, 1.0, 0.0], across / np.linalg.norm(across))
    q = between(forward / np.linalg.norm(forward), np.array([0.0, 0.0, 1.0]))
    positions = rotate(q, positions)
    contacts = np.zeros((len(positions) - 1, 4))
    for frame in range(len(positions) - 1):
        for column, (joint, height) in enumerate([(7, 0.12), (10, 0.05), (8, 0.12), (11, 0.05)]):
            step = positions[frame + 1, joint] - positions[frame, joint]
            contacts[frame, column] = (step**2).sum() < 0.001 and positions[frame, joint, 1] < height
    velocities = positions[1:] - positions[:-1]
    vectors = [positions[:-1].reshape(-1, 66), velocities.reshape(-1, 66), motion[:-1, 186:312], contacts]
    return np.concatenate(vectors, axis=1), q, root


def frame_vectors(first, second):
    """Two persons (T, 492) → (T − 1, 2, 262)."""
    vectors1, q1, root1 = one_person(first)
    vectors2, q2, root2 = one_person(second)
    r = multiply(q2, inverse(q1))
    angle = np.arctan2(r[2], r[0])
    x, _, z = rotate(q1, root2 - root1)
    turn = inverse(np.array([np.cos(angle), 0.0, np.sin(angle), 0.0]))
    for part in (slice(0, 66), slice(66, 132)):
        vectors2[:, part] = rotate(turn, vectors2[:, part].reshape(-1, 22, 3)).reshape(-1, 66)
    vectors2[:, 0:66:3] += x
    vectors2[:, 2:66:3] += z
    return np.stack([vectors1, vectors2], axis=1)
