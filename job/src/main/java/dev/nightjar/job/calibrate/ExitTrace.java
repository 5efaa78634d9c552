package dev.nightjar.job.calibrate;

import dev.nightjar.engine.HiddenStates;
import dev.nightjar.engine.LlmEngine;
import java.io.Serializable;
import java.util.Map;

/**
 * What the head says of one row's generated tokens at possible exits, teacher-forced along the
 * dense answer.
 *
 * @param top1 {@code [exits][tokens]} largest probability; tokens are the generated ones but the
 *     first, which the prompt's last position makes and which never exits
 * @param agrees {@code [exits][tokens]} whether the exit's token is the last layer's
 */
record ExitTrace(float[][] top1, boolean[][] agrees) implements Serializable {

  /**
   * Traces one row.
   *
   * @param exits numbers of layers below each exit
   * @param maps maps of the residual by exit, or empty
   */
  static ExitTrace of(LlmEngine engine, DenseRow row, int[] exits, Map<Integer, LinearMap> maps) {
    HiddenStates states = engine.hiddenStates(row.fed(), row.prompt().length);
    int from = row.prompt().length;
    int tokens = row.answer().length - 1;
    TopTwo[] last = TopTwo.of(engine, states.residuals()[states.layers()], from, tokens);
    float[][] top1 = new float[exits.length][tokens];
    boolean[][] agrees = new boolean[exits.length][tokens];
    for (int e = 0; e < exits.length; e++) {
      float[] residuals = states.residuals()[exits[e]];
      LinearMap map = maps.get(exits[e]);
      TopTwo[] here =
          map == null
              ? TopTwo.of(engine, residuals, from, tokens)
              : TopTwo.of(engine, map.apply(residuals, from, tokens), 0, tokens);
      for (int t = 0; t < tokens; t++) {
        top1[e][t] = here[t].top1();
        agrees[e][t] = here[t].token() == last[t].token();
      }
    }
    return new ExitTrace(top1, agrees);
  }
}
