"""What a two-person motion is. Imports nothing else of ours; torch only in `differentiable`."""

from vimotion.motion.contacts import foot_contacts
from vimotion.motion.features import FEATURES, NUM_FEATURES, from_features, split_features, to_features
from vimotion.motion.interaction import FPS, Interaction
from vimotion.motion.kinematics import forward_kinematics
from vimotion.motion.placing import place
from vimotion.motion.skeleton import JOINT, JOINTS, NUM_JOINTS, PARENTS, Skeleton
from vimotion.motion.surface import SURFACE, surface_point

__all__ = [
    "FEATURES", "FPS", "JOINT", "JOINTS", "NUM_FEATURES", "NUM_JOINTS", "PARENTS", "SURFACE", "Interaction", "Skeleton",
    "foot_contacts", "forward_kinematics", "from_features", "place", "split_features", "surface_point", "to_features",
]  # fmt: skip
