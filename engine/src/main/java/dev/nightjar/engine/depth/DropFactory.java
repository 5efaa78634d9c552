package dev.nightjar.engine.depth;

import dev.nightjar.engine.kernel.PackedMatrix;
import java.util.Arrays;
import java.util.Set;

/**
 * {@code drop}: a contiguous block of layers leaves the model, and a linear map of an artefact
 * stands in for it (LLM-Streamline, Chen et al., arXiv:2403.19135). The paper trains one
 * Transformer layer as the replacement; a matrix fitted by regression needs forward passes only.
 * With {@code first} and {@code count} the block leaves without a replacement.
 */
final class DropFactory implements PolicyFactory {
  @Override
  public String name() {
    return "drop";
  }

  @Override
  public Set<String> options() {
    return Set.of("artefact", "first", "count");
  }

  @Override
  public Depth create(PolicySpec spec, PolicyContext context) {
    int layers = context.model().layers();
    int d = context.model().hiddenSize();
    DepthPolicy policy = DepthPolicy.named(spec.toString());
    if (spec.has("first") || spec.has("count")) {
      return Depth.of(policy.with(block(plain(spec, layers), layers)), context);
    }
    try (DepthArtefact artefact = context.open(spec, "drop")) {
      int first = artefact.integer("first", 0, layers - 1);
      int count = artefact.integer("count", 1, layers - first);
      PackedMatrix weight = context.matrix(artefact, "map.weight", d, d);
      float[] bias = artefact.floats("map.bias", d);
      SkipOperation.BlockMap map = new SkipOperation.BlockMap(first, weight, bias);
      return Depth.of(
          policy
              .with(block(new int[] {first, count}, layers))
              .with(new SkipOperation(null, null, map)),
          context);
    }
  }

  /** First layer and length of a block without a replacement. */
  private static int[] plain(PolicySpec spec, int layers) {
    if (spec.has("artefact")) {
      throw spec.bad(
          "artefact",
          spec.text("artefact", ""),
          "either an artefact, which has its own block, or first and count",
          null);
    }
    for (String key : new String[] {"first", "count"}) {
      if (!spec.has(key)) {
        throw spec.bad(key, "", "first and count together", null);
      }
    }
    int first = spec.integer("first", 0, 0, layers - 1);
    return new int[] {first, spec.integer("count", 0, 1, layers - first)};
  }

  private static FixedCells block(int[] block, int layers) {
    byte[] cells = new byte[layers];
    Arrays.fill(cells, Cells.LAYER);
    Arrays.fill(cells, block[0], block[0] + block[1], Cells.SKIP);
    return new FixedCells(cells);
  }
}
