package dev.nightjar.engine.format;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A file mapped read-only as a whole; reads outside it are caught by the segment's bounds. */
final class MappedFile implements AutoCloseable {
  private final Path path;
  private final Arena arena;
  private final MemorySegment bytes;

  private MappedFile(Path path, Arena arena, MemorySegment bytes) {
    this.path = path;
    this.arena = arena;
    this.bytes = bytes;
  }

  static MappedFile open(Path path) {
    if (!Files.isRegularFile(path)) {
      throw new EngineException(
          ErrorCode.INVALID_MODEL,
          path
              + (Files.exists(path) ? " is not a regular file" : " does not exist")
              + ", expected a model file; check the path");
    }
    Arena arena = Arena.ofShared();
    boolean mapped = false;
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      MemorySegment bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
      mapped = true;
      return new MappedFile(path, arena, bytes);
    } catch (IOException e) {
      throw new EngineException(
          ErrorCode.INVALID_MODEL,
          path + " cannot be mapped (" + e + "); check that it is readable by this process",
          e);
    } finally {
      if (!mapped) {
        arena.close();
      }
    }
  }

  Path path() {
    return path;
  }

  /** The file's name without its folders, as used in messages. */
  String name() {
    return path.getFileName().toString();
  }

  MemorySegment bytes() {
    return bytes;
  }

  long size() {
    return bytes.byteSize();
  }

  EngineException invalid(String problem) {
    return new EngineException(ErrorCode.INVALID_MODEL, name() + ": " + problem);
  }

  @Override
  public void close() {
    arena.close();
  }
}
