package dev.nightjar.engine;

import dev.nightjar.engine.api.GenerationResult;
import java.util.BitSet;
import java.util.List;

/**
 * One row's result with the layers that every slot ran.
 *
 * @param promptTokens the prompt's token ids
 * @param slots by position: layers run
 */
public record Explanation(
    GenerationResult result, List<Integer> promptTokens, List<BitSet> slots) {}
