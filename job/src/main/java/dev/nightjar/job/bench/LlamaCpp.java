package dev.nightjar.job.bench;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandleProxies;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * llama.cpp's C interface, as far as a benchmark needs it, over the libraries of one folder. Lives
 * as long as its process; for one thread. The offsets are those of the version whose package {@link
 * LlamaCppPackage} names; the defaults that the library fills in are checked against them.
 */
@SuppressWarnings("restricted")
final class LlamaCpp {
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final MemoryLayout POINTER = ValueLayout.ADDRESS;

  /**
   * Room for a structure of parameters that is passed by value behind everything else: larger than
   * any of them, so that their exact sizes do not matter.
   */
  private static final StructLayout PARAMETERS =
      MemoryLayout.structLayout(MemoryLayout.sequenceLayout(32, ValueLayout.JAVA_LONG));

  private static final long CONTEXT_SIZE = 0;
  private static final long BATCH_SIZE = 4;
  private static final long MICRO_BATCH_SIZE = 8;
  private static final long SEQUENCES = 12;
  private static final long THREADS = 28;
  private static final long BATCH_THREADS = 32;
  private static final int POSITIONS_PER_STEP = 256;

  private final Arena arena = Arena.global();
  private final SymbolLookup symbols;
  private final Decode decode;
  private final Action synchronize;
  private final Action free;
  private final Clear clear;
  private final Lookup memory;
  private final Logits logits;
  private final Create newContext;
  private final MemorySegment model;
  private final int threads;

  /** A function of no arguments that gives a pointer. */
  public interface Source {
    /** Calls it. */
    MemorySegment get();
  }

  /** A function of a pointer that gives nothing. */
  public interface Action {
    /** Calls it. */
    void run(MemorySegment pointer);
  }

  /** A function of a pointer that gives a pointer. */
  public interface Lookup {
    /** Calls it. */
    MemorySegment of(MemorySegment pointer);
  }

  /** A function that fills in a structure of defaults. */
  public interface Defaults {
    /** Calls it. */
    MemorySegment in(SegmentAllocator allocator);
  }

  /** A function of a pointer and a structure of parameters that gives a pointer. */
  public interface Create {
    /** Calls it. */
    MemorySegment of(MemorySegment pointer, MemorySegment parameters);
  }

  /** {@code llama_decode}. */
  public interface Decode {
    /** Calls it; 0 is success. */
    int run(MemorySegment context, MemorySegment batch);
  }

  /** {@code llama_memory_clear}. */
  public interface Clear {
    /** Calls it. */
    void run(MemorySegment memory, boolean data);
  }

  /** {@code llama_get_logits_ith}. */
  public interface Logits {
    /** Calls it. */
    MemorySegment of(MemorySegment context, int slot);
  }

  /**
   * Loads the libraries and a model.
   *
   * @param backend the CPU library to use, or empty for llama.cpp's own choice
   */
  LlamaCpp(Path folder, Optional<Path> backend, Path modelFile, int threads) throws IOException {
    SymbolLookup.libraryLookup(find(folder, "libggml-base"), arena);
    SymbolLookup ggml = SymbolLookup.libraryLookup(find(folder, "libggml.v"), arena);
    this.symbols = SymbolLookup.libraryLookup(find(folder, "libllama.v"), arena).or(ggml);
    this.threads = threads;
    loadBackend(folder, backend);
    FunctionDescriptor action = FunctionDescriptor.ofVoid(POINTER);
    FunctionDescriptor create = FunctionDescriptor.of(POINTER, POINTER, PARAMETERS);
    this.decode =
        function(
            "llama_decode", FunctionDescriptor.of(INT, POINTER, LlamaBatch.LAYOUT), Decode.class);
    this.synchronize = function("llama_synchronize", action, Action.class);
    this.free = function("llama_free", action, Action.class);
    this.memory =
        function("llama_get_memory", FunctionDescriptor.of(POINTER, POINTER), Lookup.class);
    this.clear =
        function(
            "llama_memory_clear",
            FunctionDescriptor.ofVoid(POINTER, ValueLayout.JAVA_BOOLEAN),
            Clear.class);
    this.logits =
        function(
            "llama_get_logits_ith", FunctionDescriptor.of(POINTER, POINTER, INT), Logits.class);
    this.newContext = function("llama_init_from_model", create, Create.class);
    this.model =
        function("llama_model_load_from_file", create, Create.class)
            .of(text(modelFile), defaults("llama_model_default_params"));
    if (model.equals(MemorySegment.NULL)) {
      throw new IOException("llama.cpp cannot load " + modelFile);
    }
  }

  private void loadBackend(Path folder, Optional<Path> backend) throws IOException {
    if (backend.isEmpty()) {
      function("ggml_backend_load_all_from_path", FunctionDescriptor.ofVoid(POINTER), Action.class)
          .run(text(folder));
      return;
    }
    Lookup load =
        function("ggml_backend_load", FunctionDescriptor.of(POINTER, POINTER), Lookup.class);
    if (load.of(text(backend.get())).equals(MemorySegment.NULL)) {
      throw new IOException(backend.get().getFileName() + " does not run on this machine");
    }
  }

  private static Path find(Path folder, String prefix) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> file.getFileName().toString().startsWith(prefix))
          .findFirst()
          .orElseThrow(() -> new IOException(folder + " has no " + prefix + "*"));
    }
  }

  private <T> T function(String name, FunctionDescriptor descriptor, Class<T> type)
      throws IOException {
    MemorySegment symbol =
        symbols.find(name).orElseThrow(() -> new IOException("llama.cpp has no " + name));
    return MethodHandleProxies.asInterfaceInstance(
        type, Linker.nativeLinker().downcallHandle(symbol, descriptor));
  }

  private MemorySegment defaults(String name) throws IOException {
    return function(name, FunctionDescriptor.of(PARAMETERS), Defaults.class).in(arena);
  }

  private MemorySegment text(Path path) {
    return arena.allocateFrom(path.toAbsolutePath().toString());
  }

  /** What the library says of itself and the machine. */
  String systemInfo() throws IOException {
    FunctionDescriptor descriptor = FunctionDescriptor.of(POINTER);
    MemorySegment text = function("llama_print_system_info", descriptor, Source.class).get();
    return text.reinterpret(1 << 12).getString(0);
  }

  /** Room for several sequences at once, each with keys and values of its own. */
  final class Context implements AutoCloseable {
    private final MemorySegment pointer;
    private final LlamaBatch batch;

    /**
     * An empty context.
     *
     * @param positions of each sequence at most
     */
    Context(int sequences, int positions) throws IOException {
      MemorySegment parameters = defaults("llama_context_default_params");
      boolean known =
          parameters.get(INT, CONTEXT_SIZE) == 512
              && parameters.get(INT, BATCH_SIZE) == 2048
              && parameters.get(INT, MICRO_BATCH_SIZE) == 512
              && parameters.get(INT, SEQUENCES) == 1
              && parameters.get(INT, THREADS) == 4
              && parameters.get(INT, BATCH_THREADS) == 4;
      if (!known) {
        throw new IOException("this llama.cpp has other parameters than the version known here");
      }
      int each = Math.ceilDiv(positions, POSITIONS_PER_STEP) * POSITIONS_PER_STEP;
      parameters.set(INT, CONTEXT_SIZE, sequences * each);
      parameters.set(INT, SEQUENCES, sequences);
      parameters.set(INT, THREADS, threads);
      parameters.set(INT, BATCH_THREADS, threads);
      this.pointer = newContext.of(model, parameters);
      if (pointer.equals(MemorySegment.NULL)) {
        throw new IOException("llama.cpp cannot make room for " + sequences + " sequences");
      }
      this.batch = new LlamaBatch(arena, parameters.get(INT, BATCH_SIZE));
    }

    /** Slots to fill before {@link #run()}. */
    LlamaBatch batch() {
      return batch;
    }

    /** Computes the batch and waits for it. */
    void run() throws IOException {
      int status = decode.run(pointer, batch.segment());
      if (status != 0) {
        throw new IOException("llama_decode failed with " + status);
      }
      synchronize.run(pointer);
    }

    /** Forgets all sequences. */
    void forget() {
      clear.run(memory.of(pointer), false);
    }

    /** Logits {@code [vocabSize]} of a slot of the last batch that asked for them. */
    MemorySegment logits(int slot, int vocabSize) {
      return logits.of(pointer, slot).reinterpret(4L * vocabSize);
    }

    @Override
    public void close() {
      free.run(pointer);
    }
  }
}
