package dev.nightjar.job;

import java.util.Optional;

/**
 * One configuration key.
 *
 * @param name dotted, with dashes inside a word, for example {@code sampling.max-tokens}
 * @param flag the command-line option that sets it, for example {@code --max-tokens}, or empty
 * @param defaultText what it is when not given; empty when there is no value then
 * @param kind what a value looks like, with its unit
 * @param doc one line
 */
record ConfigKey<T>(
    String name,
    Optional<String> flag,
    Optional<String> defaultText,
    String kind,
    String doc,
    Parser<T> parser) {

  /**
   * Turns text into a value; a fault is an {@link IllegalArgumentException} that says what was
   * expected.
   */
  @FunctionalInterface
  interface Parser<T> {
    T parse(String text);
  }
}
