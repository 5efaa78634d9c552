"""Independent float64 implementations of the supported architectures, one file per family.

They are written from the published definitions to be read, not to be fast: every call computes
the whole sequence anew, nothing is cached, gathered or fused. Weights are a dict of float64 tensors
under Hugging Face names.
"""

from .llama import Exiting, Gated, Reference, greedy, rope_frequencies

__all__ = ["Exiting", "Gated", "Reference", "greedy", "rope_frequencies"]
