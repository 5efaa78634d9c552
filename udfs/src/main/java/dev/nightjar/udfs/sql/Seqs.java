package dev.nightjar.udfs.sql;

import java.util.ArrayList;
import java.util.List;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/** Scala's lists from Java's and back. */
final class Seqs {
  private Seqs() {}

  static <T> Seq<T> of(T value) {
    return of(List.of(value));
  }

  static <T> Seq<T> of(T first, T second) {
    return of(List.of(first, second));
  }

  static <T> Seq<T> of(List<T> values) {
    return CollectionConverters.asScala(values).toSeq();
  }

  static <T> List<T> list(Seq<T> values) {
    return List.copyOf(CollectionConverters.asJava(values));
  }

  static <T> Seq<T> append(Seq<T> values, T more) {
    List<T> all = new ArrayList<>(list(values));
    all.add(more);
    return of(all);
  }
}
