package dev.nightjar.engine.tokenizer;

/**
 * A token that is cut out of the text before anything else looks at it.
 *
 * @param special whether it is a control token, which is no part of the text
 * @param normalized whether it is looked for in the normalised text instead of the raw text
 * @param singleWord whether it must not touch other word characters
 * @param stripLeft whether it takes the white space before it
 * @param stripRight whether it takes the white space behind it
 */
record AddedToken(
    int id,
    String content,
    boolean special,
    boolean normalized,
    boolean singleWord,
    boolean stripLeft,
    boolean stripRight) {
  /**
   * Whether what users write must not become this token: a control token, or one with the shape of
   * one. Some makers declare tokens of their chat template as text, such as DeepSeek's {@code
   * <｜User｜>}.
   */
  boolean isControl() {
    return special
        || content.equals("</s>")
        || (content.startsWith("<|") && content.endsWith("|>"))
        || (content.startsWith("<｜") && content.endsWith("｜>"));
  }
}
