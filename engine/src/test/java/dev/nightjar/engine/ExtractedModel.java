package dev.nightjar.engine;

import java.io.UncheckedIOException;

/** A process that unpacks the embedded model and prints where, or why not. */
final class ExtractedModel {
  private ExtractedModel() {}

  public static void main(String[] args) {
    try {
      System.out.println(EmbeddedModel.extract());
    } catch (UncheckedIOException e) {
      System.out.println(e.getMessage());
    }
  }
}
