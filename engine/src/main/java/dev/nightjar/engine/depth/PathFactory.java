package dev.nightjar.engine.depth;

import java.util.Set;

/**
 * {@code path}: an explicit layer path for every token, as path searches propose them. Layers
 * ascend; one that is named twice runs twice in a row, one that is not named does not run.
 */
final class PathFactory implements PolicyFactory {
  @Override
  public String name() {
    return "path";
  }

  @Override
  public Set<String> options() {
    return Set.of("layers");
  }

  @Override
  public Depth create(PolicySpec spec, PolicyContext context) {
    int layers = context.model().layers();
    byte[] cells = new byte[layers];
    int previous = 0;
    for (int layer : spec.layers("layers", layers - 1)) {
      if (layer < previous || Cells.repeats(cells[layer])) {
        throw spec.bad(
            "layers",
            spec.text("layers", ""),
            "ascending layers joined with +, each at most twice, as in 0+1+2+2+5",
            null);
      }
      cells[layer] = cells[layer] == Cells.LAYER ? Cells.TWICE : Cells.LAYER;
      previous = layer;
    }
    return Depth.of(DepthPolicy.named(spec.toString()).with(new FixedCells(cells)), context);
  }
}
