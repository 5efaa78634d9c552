package dev.nightjar.engine.kernel;

import static org.assertj.core.api.Assertions.assertThatCode;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TestPrefetcher {
  /** Whatever is beyond them may be unmapped. */
  @ParameterizedTest
  @ValueSource(longs = {1, 63, 64, 4096, 16383, 16384, 16385, 32768, 36864, 100_003})
  void staysWithinTheWeights(long bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(bytes + 4096, 4096);
      for (long from : new long[] {0, 64, 4032, 4096}) {
        MemorySegment weights = memory.asSlice(from, bytes);
        Prefetcher prefetcher = new Prefetcher();
        prefetcher.start(weights);
        assertThatCode(
                () -> {
                  for (long offset = 0; offset <= bytes; offset += 97) {
                    prefetcher.reach(offset);
                  }
                  prefetcher.reach(bytes);
                })
            .doesNotThrowAnyException();
      }
    }
  }
}
