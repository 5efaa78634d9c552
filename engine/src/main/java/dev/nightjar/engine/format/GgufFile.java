package dev.nightjar.engine.format;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.tensor.DType;
import dev.nightjar.engine.tensor.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * A memory-mapped GGUF file (version 2 or 3, little-endian), or all the files that a model was
 * split into. Names, counts, shapes and offsets are checked against the file at open. Tensors whose
 * element types are not among {@link DType} are listed as {@link #unsupported()}; asking for one is
 * an error. Immutable and safe for concurrent reads until closed.
 */
public final class GgufFile implements ModelFile {
  /** The first four bytes, "GGUF", as a little-endian integer. */
  static final int MAGIC = 0x4655_4747;

  static final String ALIGNMENT_KEY = "general.alignment";
  static final int DEFAULT_ALIGNMENT = 32;

  private static final int MAX_KEYS = 1 << 16;
  private static final int MAX_TENSORS = 1 << 18;
  private static final int MAX_NAME_BYTES = 1 << 16;
  private static final int MAX_ARRAY_NESTING = 4;
  private static final int MAX_ALIGNMENT = 1 << 20;

  /** Fewest bytes of a key/value pair: name length, type, one byte of value. */
  private static final int MIN_PAIR_BYTES = 8 + 4 + 1;

  /** Fewest bytes of a tensor's description: name length, number of dimensions, type, offset. */
  private static final int MIN_TENSOR_BYTES = 8 + 4 + 4 + 8;

  /** A tensor's description as it stands in the file. */
  private record TensorInfo(String name, long[] shape, long type, long offset) {}

  private final MappedFile file;
  private final GgufMetadata metadata;
  private final TensorTable tensors;
  private int version;

  /** The parts after this one, if this is the first of several. */
  private final List<GgufFile> others = new ArrayList<>();

  private GgufFile(MappedFile file) {
    this.file = file;
    this.metadata = new GgufMetadata(file);
    this.tensors = new TensorTable(file);
  }

  /**
   * Maps the file, and with any part of a split model all of them, and checks the headers; faults
   * are {@code INVALID_MODEL} errors.
   */
  public static GgufFile open(Path path) {
    GgufFile opened = openPart(path);
    try {
      int count = opened.metadata.intValue(GgufParts.COUNT_KEY, 1);
      if (count > 1) {
        GgufParts names = GgufParts.of(opened.file, count);
        if (names.index() > 0) {
          GgufFile given = opened;
          opened = openPart(names.path(given.file, 0));
          given.close();
        }
        opened.openOthers(names);
      }
      return opened;
    } catch (EngineException e) {
      opened.close();
      throw e;
    }
  }

  private static GgufFile openPart(Path path) {
    GgufFile opened = new GgufFile(MappedFile.open(path));
    boolean valid = false;
    try {
      opened.readHeader();
      valid = true;
      return opened;
    } finally {
      if (!valid) {
        opened.close();
      }
    }
  }

  /** Opens the parts after the first and checks that all belong together. */
  private void openOthers(GgufParts names) {
    names.check(file, metadata, 0);
    long numTensors = tensors.size();
    for (int part = 1; part < names.count(); part++) {
      GgufFile other = openPart(names.path(file, part));
      others.add(other);
      names.check(other.file, other.metadata, part);
      for (GgufFile before : parts().subList(0, part)) {
        other.tensors.checkDistinct(before.tensors);
      }
      numTensors += other.tensors.size();
    }
    long expected = metadata.longValue(GgufParts.TENSORS_KEY, numTensors);
    if (numTensors != expected) {
      throw file.invalid(
          "the %d parts have %d tensors, expected %d (%s); download all parts again"
              .formatted(names.count(), numTensors, expected, GgufParts.TENSORS_KEY));
    }
  }

  /** This file and the others of a split model. */
  private List<GgufFile> parts() {
    List<GgufFile> parts = new ArrayList<>(others.size() + 1);
    parts.add(this);
    parts.addAll(others);
    return parts;
  }

  /** The file, or the first part. */
  @Override
  public Path path() {
    return file.path();
  }

  /** Whether these files, in name order, are the parts of one model, to judge by their names. */
  public static boolean areParts(List<String> names) {
    return !names.isEmpty()
        && GgufParts.isFirst(names.getFirst())
        && names.stream().map(GgufParts::common).distinct().count() == 1;
  }

  /** The name of a model, by the name of its file or of one of its parts. */
  public static String modelName(String fileName) {
    String common = GgufParts.common(fileName);
    return common.equals(fileName) ? fileName.substring(0, fileName.length() - 5) : common;
  }

  /** The file, or all parts, in order. */
  public List<Path> paths() {
    return parts().stream().map(GgufFile::path).toList();
  }

  /** Version of the format, 2 or 3. */
  public int version() {
    return version;
  }

  /** The key/value pairs. */
  public GgufMetadata metadata() {
    return metadata;
  }

  @Override
  public Optional<Tensor> find(String name) {
    for (GgufFile part : others) {
      if (part.tensors.contains(name)) {
        return part.tensors.find(name);
      }
    }
    return tensors.find(name);
  }

  @Override
  public Collection<Tensor> all() {
    List<Tensor> all = new ArrayList<>();
    parts().forEach(part -> all.addAll(part.tensors.all()));
    return all;
  }

  @Override
  public Collection<UnsupportedTensor> unsupported() {
    List<UnsupportedTensor> all = new ArrayList<>();
    parts().forEach(part -> all.addAll(part.tensors.unsupported()));
    return all;
  }

  /** Whether the name is listed, readable or not. */
  public boolean contains(String name) {
    return parts().stream().anyMatch(part -> part.tensors.contains(name));
  }

  @Override
  public void close() {
    others.forEach(GgufFile::close);
    file.close();
  }

  private void readHeader() {
    GgufCursor cursor = new GgufCursor(file);
    long magic = cursor.readU32("the magic number");
    if (magic != MAGIC) {
      throw file.invalid("the file does not begin with \"GGUF\"; give a GGUF file");
    }
    long found = cursor.readU32("the version");
    if (found != 2 && found != 3) {
      boolean swapped = Integer.reverseBytes((int) found) == 2 || found == 3L << 24;
      throw file.invalid(
          "GGUF version %s, expected 2 or 3 little-endian; convert the model again"
              .formatted(swapped ? (found >>> 24) + " big-endian" : Long.toString(found)));
    }
    version = (int) found;
    long numTensors = cursor.readCount("the number of tensors", MIN_TENSOR_BYTES);
    long numPairs = cursor.readCount("the number of metadata keys", MIN_PAIR_BYTES);
    if (numTensors > MAX_TENSORS || numPairs > MAX_KEYS) {
      throw file.invalid(
          "%d tensors and %d metadata keys, expected at most %d and %d; the file is damaged"
              .formatted(numTensors, numPairs, MAX_TENSORS, MAX_KEYS));
    }
    for (long i = 0; i < numPairs; i++) {
      readPair(cursor, i);
    }
    TensorInfo[] infos = new TensorInfo[(int) numTensors];
    for (int i = 0; i < infos.length; i++) {
      infos[i] = readInfo(cursor, i);
    }
    addTensors(infos, cursor.position());
  }

  private void readPair(GgufCursor cursor, long index) {
    String key = cursor.readString("metadata key " + index, MAX_NAME_BYTES);
    String thing = "the value of metadata key \"" + Excerpt.of(key) + "\"";
    GgufType type = readType(cursor, thing);
    if (type != GgufType.ARRAY) {
      long begin = cursor.position();
      skipValue(cursor, type, thing, 0);
      metadata.put(key, new GgufMetadata.Value(type, null, 0, begin, cursor.position()));
      return;
    }
    GgufType element = readType(cursor, thing);
    long count = cursor.readCount("the length of " + thing, element.minBytes);
    long begin = cursor.position();
    skipElements(cursor, element, count, thing, 1);
    metadata.put(key, new GgufMetadata.Value(type, element, count, begin, cursor.position()));
  }

  private GgufType readType(GgufCursor cursor, String thing) {
    long number = cursor.readU32("the type of " + thing);
    GgufType type = GgufType.of(number);
    if (type == null) {
      throw file.invalid(
          "%s has type number %d, expected 0 to %d; the file is damaged, download it again"
              .formatted(thing, number, GgufType.values().length - 1));
    }
    return type;
  }

  private void skipValue(GgufCursor cursor, GgufType type, String thing, int nesting) {
    if (type == GgufType.STRING) {
      cursor.skip(cursor.readU64("the length of a string in " + thing), thing);
    } else if (type == GgufType.ARRAY) {
      if (nesting == MAX_ARRAY_NESTING) {
        throw file.invalid(
            "%s nests arrays more than %d deep; the file is damaged".formatted(thing, nesting));
      }
      GgufType element = readType(cursor, thing);
      long count = cursor.readCount("the length of an array in " + thing, element.minBytes);
      skipElements(cursor, element, count, thing, nesting + 1);
    } else {
      cursor.skip(type.minBytes, thing);
    }
  }

  private void skipElements(
      GgufCursor cursor, GgufType element, long count, String thing, int nesting) {
    if (element.isFixedSize()) {
      cursor.skip(count * element.minBytes, thing); // cannot overflow: count was checked
      return;
    }
    for (long i = 0; i < count; i++) {
      skipValue(cursor, element, thing, nesting);
    }
  }

  private TensorInfo readInfo(GgufCursor cursor, int index) {
    String name = cursor.readString("the name of tensor " + index, MAX_NAME_BYTES);
    String thing = "the description of tensor \"" + Excerpt.of(name) + "\"";
    long dimensions = cursor.readU32(thing);
    if (dimensions > TensorTable.MAX_DIMENSIONS) {
      throw file.invalid(
          "%s has %d dimensions, expected at most %d; the file is damaged, download it again"
              .formatted(thing, dimensions, TensorTable.MAX_DIMENSIONS));
    }
    long[] shape = new long[(int) dimensions];
    for (int i = shape.length - 1; i >= 0; i--) {
      shape[i] = cursor.readU64(thing); // the file lists the innermost dimension first
    }
    long type = cursor.readU32(thing);
    return new TensorInfo(name, shape, type, cursor.readU64(thing));
  }

  private void addTensors(TensorInfo[] infos, long headerEnd) {
    int alignment = metadata.intValue(ALIGNMENT_KEY, DEFAULT_ALIGNMENT);
    if (alignment < 1 || alignment > MAX_ALIGNMENT || Integer.bitCount(alignment) != 1) {
      throw file.invalid(
          "metadata key \"%s\" is %d, expected a power of two up to %d; re-export the model"
              .formatted(ALIGNMENT_KEY, alignment, MAX_ALIGNMENT));
    }
    long dataStart = (headerEnd + alignment - 1) / alignment * alignment;
    if (infos.length > 0 && dataStart > file.size()) {
      throw file.invalid(
          "the data should begin at byte %d, but the file has %d; it is truncated, download it again"
              .formatted(dataStart, file.size()));
    }
    long dataBytes = Math.max(0, file.size() - dataStart);
    tensors.dataStartsAt(dataStart);
    for (TensorInfo info : infos) {
      DType dtype = GgmlTypes.readable(info.type());
      if (dtype == null) {
        tensors.addUnsupported(
            info.name(), GgmlTypes.name(info.type()), info.shape(), GgmlTypes.advice(info.type()));
        continue;
      }
      if (info.offset() < 0 || info.offset() > dataBytes || info.offset() % alignment != 0) {
        throw file.invalid(
            ("tensor \"%s\" begins at offset %s, expected a multiple of %d up to %d, the bytes in"
                    + " the file; the file is truncated or damaged, download it again")
                .formatted(
                    Excerpt.of(info.name()),
                    Long.toUnsignedString(info.offset()),
                    alignment,
                    dataBytes));
      }
      long length = byteSize(dtype, info.shape());
      if (length < 0 || length > dataBytes - info.offset()) {
        throw file.invalid(
            ("tensor \"%s\" of %s%s ends beyond the end of the file (%d bytes of data from offset"
                    + " %d); the file is truncated or damaged, download it again")
                .formatted(
                    Excerpt.of(info.name()),
                    dtype,
                    Arrays.toString(info.shape()),
                    dataBytes,
                    info.offset()));
      }
      tensors.add(info.name(), dtype, info.shape(), info.offset(), length);
    }
  }

  /**
   * Bytes of whole blocks, or -1 if they cannot be counted; {@link TensorTable} reports rows that
   * are not whole blocks.
   */
  private static long byteSize(DType dtype, long[] shape) {
    long elements = TensorTable.elements(shape);
    long blocks = elements / dtype.blockElements();
    return elements < 0 || blocks > Long.MAX_VALUE / dtype.blockBytes()
        ? -1
        : blocks * dtype.blockBytes();
  }
}
