package dev.nightjar.engine.depth;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.BitSet;
import java.util.Set;

/** {@code rowmask}: one of several sets of layers per row. */
final class RowMasksFactory implements PolicyFactory {
  private static final double MAX_MARGIN = 1e6;

  @Override
  public String name() {
    return "rowmask";
  }

  @Override
  public Set<String> options() {
    return Set.of("artefact", "margin");
  }

  @Override
  public Depth create(PolicySpec spec, PolicyContext context) {
    try (DepthArtefact artefact = context.open(spec, "rowmask")) {
      int layers = context.model().layers();
      int probeLayer = artefact.integer("probe_layer", 0, layers - 1);
      BitSet[] masks = masks(spec, artefact.description().path("masks"), probeLayer, layers);
      Linear probe =
          Linear.of(context, artefact, "probe.", masks.length, context.model().hiddenSize());
      double margin = spec.number("margin", 0, -MAX_MARGIN, MAX_MARGIN);
      if (!spec.has("margin")) {
        margin = artefact.number(artefact.description().path("margin"), "margin");
        if (Math.abs(margin) > MAX_MARGIN) {
          throw spec.bad(
              "margin", "" + margin, "a number in [-" + MAX_MARGIN + ", " + MAX_MARGIN + "]", null);
        }
      }
      RowMasks planner =
          new RowMasks(context.kernels(), probe, probeLayer, masks, layers, (float) margin);
      return Depth.of(DepthPolicy.named(spec.toString()).with(planner), context);
    }
  }

  private static BitSet[] masks(PolicySpec spec, JsonNode node, int probeLayer, int layers) {
    int count = node.size();
    if (!node.isArray() || count < 1 || count > RowMasks.MAX_MASKS) {
      throw spec.bad(
          "masks",
          node.isArray() ? count + " arrays" : node.toString(),
          "an array of 1 to " + RowMasks.MAX_MASKS + " arrays of layers",
          null);
    }
    BitSet[] masks = new BitSet[count];
    for (int k = 0; k < count; k++) {
      masks[k] = layersOf(spec, node.path(k), k, layers);
      if (masks[k].nextClearBit(0) < probeLayer) {
        throw spec.bad(
            "masks[" + k + "]", masks[k].toString(), "all layers below " + probeLayer, null);
      }
      if (k > 0 && !contains(masks[k], masks[k - 1])) {
        throw spec.bad(
            "masks[" + k + "]",
            masks[k].toString(),
            "the layers of the mask before, " + masks[k - 1] + ", among them",
            null);
      }
    }
    if (masks[count - 1].cardinality() != layers) {
      throw spec.bad(
          "masks[" + (count - 1) + "]",
          masks[count - 1].toString(),
          "all " + layers + " layers in the last mask",
          null);
    }
    return masks;
  }

  private static BitSet layersOf(PolicySpec spec, JsonNode mask, int k, int layers) {
    BitSet set = new BitSet(layers);
    for (JsonNode layer : mask) {
      if (!layer.isInt() || layer.asInt() < 0 || layer.asInt() >= layers) {
        throw spec.bad(
            "masks[" + k + "]", layer.toString(), "layers in [0, " + (layers - 1) + "]", null);
      }
      set.set(layer.asInt());
    }
    return set;
  }

  private static boolean contains(BitSet large, BitSet small) {
    BitSet rest = (BitSet) small.clone();
    rest.andNot(large);
    return rest.isEmpty();
  }
}
