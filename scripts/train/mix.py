"""Averages the weights of two checkpoints of the same run.

A model fine-tuned from another lies in the same valley; a point between the two is usually better
on held-out data than either (Wortsman et al., arXiv:2203.05482).
"""

import argparse

import torch


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("first")
    p.add_argument("second")
    p.add_argument("share", type=float, help="of the second one, between 0 and 1")
    p.add_argument("out")
    a = p.parse_args()
    first, second = torch.load(a.first), torch.load(a.second)
    with torch.no_grad():
        second["weights"] = {
            k: (1 - a.share) * v + a.share * second["weights"][k]
            for k, v in first["weights"].items()
        }
    torch.save(second, a.out)


if __name__ == "__main__":
    main()
