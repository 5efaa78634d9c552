package dev.nightjar.engine.format;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.tensor.DType;
import dev.nightjar.engine.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** The checked tensors of one file, in file order. */
final class TensorTable {
  static final int MAX_DIMENSIONS = 8;

  private final MappedFile file;
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();
  private final Map<String, UnsupportedTensor> unsupported = new LinkedHashMap<>();

  private long dataStart;
  private long totalBytes;

  TensorTable(MappedFile file) {
    this.file = file;
  }

  /** Product of the dimensions, or -1 if one is negative or the product overflows. */
  static long elements(long[] shape) {
    long product = 1;
    for (long dimension : shape) {
      long next = product * dimension;
      if (dimension < 0 || Math.multiplyHigh(product, dimension) != 0 || next < 0) {
        return -1;
      }
      product = next;
    }
    return product;
  }

  boolean contains(String name) {
    return tensors.containsKey(name) || unsupported.containsKey(name);
  }

  /** Readable tensors and others. */
  int size() {
    return tensors.size() + unsupported.size();
  }

  /** Checks that no tensor is in another table as well. */
  void checkDistinct(TensorTable other) {
    tensors.keySet().forEach(other::checkNew);
    unsupported.keySet().forEach(other::checkNew);
  }

  /** Says where in the file the data begin; offsets of tensors count from there. */
  void dataStartsAt(long position) {
    dataStart = position;
  }

  /**
   * Adds a tensor whose bytes lie at {@code [offset, offset + length)} of the data, which the
   * caller has found to be in the file; {@code length} is checked against the shape here.
   */
  void add(String name, DType dtype, long[] shape, long offset, long length) {
    checkNew(name);
    long elements = elements(shape);
    if (elements < 0) {
      throw file.invalid(
          "tensor \"%s\" has the impossible shape %s; the file is damaged, download it again"
              .formatted(Excerpt.of(name), Arrays.toString(shape)));
    }
    long columns = shape.length == 0 ? 1 : shape[shape.length - 1];
    if (columns % dtype.blockElements() != 0) {
      throw file.invalid(
          "tensor \"%s\" has rows of %d elements, expected a multiple of %d for %s; re-export it"
              .formatted(Excerpt.of(name), columns, dtype.blockElements(), dtype));
    }
    long blocks = elements / dtype.blockElements();
    if (blocks > Long.MAX_VALUE / dtype.blockBytes() || blocks * dtype.blockBytes() != length) {
      throw file.invalid(
          "tensor \"%s\" occupies %d bytes, but %s%s needs %s; the file is damaged"
              .formatted(
                  Excerpt.of(name),
                  length,
                  dtype,
                  Arrays.toString(shape),
                  blocks > Long.MAX_VALUE / dtype.blockBytes()
                      ? "more than 2^63"
                      : Long.toString(blocks * dtype.blockBytes())));
    }
    if (elements == 0) { // whose other dimensions are not bounded by the file
      addUnsupported(name, dtype.name(), shape, "it has no elements");
      return;
    }
    if (columns > Integer.MAX_VALUE || elements / columns > Integer.MAX_VALUE) {
      addUnsupported(name, dtype.name(), shape, "it has more than 2^31 - 1 rows or columns");
      return;
    }
    totalBytes += length;
    if (totalBytes > file.size() - dataStart) { // or a small file could stand for an endless model
      throw file.invalid(
          "the tensors up to \"%s\" overlap, expected separate ones; re-export the model"
              .formatted(Excerpt.of(name)));
    }
    MemorySegment data = file.bytes().asSlice(dataStart + offset, length);
    tensors.put(name, new Tensor(name, dtype, shape, data));
  }

  void addUnsupported(String name, String type, long[] shape, String reason) {
    checkNew(name);
    unsupported.put(name, new UnsupportedTensor(name, type, shape, reason));
  }

  private void checkNew(String name) {
    if (contains(name)) {
      throw file.invalid(
          "tensor \"%s\" is listed twice, expected unique names; re-export the model"
              .formatted(Excerpt.of(name)));
    }
  }

  Optional<Tensor> find(String name) {
    UnsupportedTensor refused = unsupported.get(name);
    if (refused != null) {
      throw new EngineException(
          ErrorCode.INVALID_MODEL,
          "%s: tensor \"%s\" of type %s%s cannot be read: %s"
              .formatted(
                  file.name(),
                  Excerpt.of(name),
                  refused.type(),
                  Arrays.toString(refused.shape()),
                  refused.reason()));
    }
    return Optional.ofNullable(tensors.get(name));
  }

  Collection<Tensor> all() {
    return Collections.unmodifiableCollection(tensors.values());
  }

  Collection<UnsupportedTensor> unsupported() {
    return Collections.unmodifiableCollection(unsupported.values());
  }
}
