package dev.nightjar.engine.format;

import dev.nightjar.engine.tensor.DType;

/** Element types of GGUF tensors by number, as in ggml.h. */
final class GgmlTypes {
  private static final String[] NAMES = {
    "F32",
    "F16",
    "Q4_0",
    "Q4_1",
    "Q4_2",
    "Q4_3",
    "Q5_0",
    "Q5_1",
    "Q8_0",
    "Q8_1",
    "Q2_K",
    "Q3_K",
    "Q4_K",
    "Q5_K",
    "Q6_K",
    "Q8_K",
    "IQ2_XXS",
    "IQ2_XS",
    "IQ3_XXS",
    "IQ1_S",
    "IQ4_NL",
    "IQ3_S",
    "IQ2_S",
    "IQ4_XS",
    "I8",
    "I16",
    "I32",
    "I64",
    "F64",
    "IQ1_M",
    "BF16",
    "Q4_0_4_4",
    "Q4_0_4_8",
    "Q4_0_8_8",
    "TQ1_0",
    "TQ2_0",
    "IQ4_NL_4_4",
    "IQ4_NL_4_8",
    "IQ4_NL_8_8",
    "MXFP4",
    "NVFP4",
  };

  private GgmlTypes() {}

  /** The name of a type, known or not. */
  static String name(long number) {
    return number >= 0 && number < NAMES.length ? NAMES[(int) number] : "ggml type " + number;
  }

  /** What to do about a type that is not readable, as a clause for messages. */
  static String advice(long number) {
    String nearest =
        switch (name(number)) {
          case "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ1_S", "IQ1_M", "TQ1_0", "TQ2_0" -> "Q2_K";
          case "IQ3_XXS", "IQ3_S" -> "Q3_K";
          case "Q4_0_4_4", "Q4_0_4_8", "Q4_0_8_8" -> "Q4_0";
          case "IQ4_NL_4_4", "IQ4_NL_4_8", "IQ4_NL_8_8", "MXFP4" -> "IQ4_NL";
          case "F64" -> "F32";
          default -> "Q8_0";
        };
    return "this element type is not supported; get the model in %s, or convert it to that"
        .formatted(nearest);
  }

  /** The readable type of this number, or null. */
  static DType readable(long number) {
    for (DType type : DType.values()) {
      if (number(type) == number) {
        return type;
      }
    }
    return null;
  }

  /** The number of a readable type. */
  static int number(DType type) {
    return switch (type) {
      case F32 -> 0;
      case F16 -> 1;
      case Q4_0 -> 2;
      case Q4_1 -> 3;
      case Q5_0 -> 6;
      case Q5_1 -> 7;
      case Q8_0 -> 8;
      case Q2_K -> 10;
      case Q3_K -> 11;
      case Q4_K -> 12;
      case Q5_K -> 13;
      case Q6_K -> 14;
      case IQ4_NL -> 20;
      case IQ4_XS -> 23;
      case BF16 -> 30;
    };
  }
}
