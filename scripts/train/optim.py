"""Muon for matrices (momentum, orthogonalised by Newton-Schulz), AdamW for everything else."""

import torch


def orthogonalise(g, steps=5):
    """Newton-Schulz iteration on a stack [N, rows, cols] with rows <= cols."""
    x = (g / (g.flatten(1).norm(dim=1)[:, None, None] + 1e-7)).bfloat16()
    for _ in range(steps):
        a = torch.bmm(x, x.transpose(1, 2))
        b = torch.baddbmm(a, a, a, beta=-4.7750, alpha=2.0315)
        x = torch.baddbmm(x, b, x, beta=3.4445)
    return x.float()


class Optimiser:
    """lr is the Muon rate; `adam` the AdamW rate at the same point of the schedule."""

    def __init__(self, matrices, others, lr=0.02, adam=3e-3, momentum=0.95, decay=0.02):
        self.matrices, self.others = matrices, others
        self.lr, self.adam, self.momentum, self.decay = lr, adam, momentum, decay
        self.buffers = [torch.zeros_like(p) for p in matrices]
        self.m = [torch.zeros_like(p) for p in others]
        self.v = [torch.zeros_like(p) for p in others]
        self.t = 0
        groups = {}
        for i, p in enumerate(matrices):
            wide = p.shape[0] <= p.shape[1]
            groups.setdefault((min(p.shape), max(p.shape)), []).append((i, wide))
        self.groups = list(groups.values())

    @torch.no_grad()
    def step(self, scale, clip=1.0):
        params = self.matrices + self.others
        for p in params:  # a dropped layer has no gradient in this step
            if p.grad is None:
                p.grad = torch.zeros_like(p)
        norm = torch.stack([p.grad.norm() for p in params]).norm().item()
        if not norm < 1e4:
            for p in params:
                p.grad = None
            return norm
        factor = min(1.0, clip / (norm + 1e-6))
        for members in self.groups:
            stack = []
            for i, wide in members:
                g = self.matrices[i].grad
                buf = self.buffers[i].mul_(self.momentum).add_(g, alpha=1 - self.momentum)
                g = g.mul(1 - self.momentum).add_(buf, alpha=self.momentum)
                stack.append(g if wide else g.t())
            update = orthogonalise(torch.stack(stack))
            for (i, wide), u in zip(members, update):
                p = self.matrices[i]
                u = u if wide else u.t()
                ratio = max(1.0, p.shape[0] / p.shape[1]) ** 0.5
                p.mul_(1 - self.lr * scale * self.decay)
                p.add_(u, alpha=-self.lr * scale * ratio)
        self.t += 1
        c1, c2 = 1 - 0.9**self.t, 1 - 0.95**self.t
        for p, m, v in zip(self.others, self.m, self.v):
            g = p.grad.mul(factor)
            m.mul_(0.9).add_(g, alpha=0.1)
            v.mul_(0.95).addcmul_(g, g, value=0.05)
            p.addcdiv_(m / c1, (v / c2).sqrt_().add_(1e-8), value=-self.adam * scale)
        for p in params:
            p.grad = None
        return norm

    def state(self):
        return {"buffers": self.buffers, "m": self.m, "v": self.v, "t": self.t}

    def restore(self, s):
        self.buffers, self.m, self.v, self.t = s["buffers"], s["m"], s["v"], s["t"]
