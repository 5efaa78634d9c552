package dev.nightjar.engine.kernel;

/**
 * Picks the kernels once per JVM. Reads the system property {@code nightjar.vector.bits}: 128, 256
 * or 512 force that vector width, 0 forces the scalar kernels; without it the machine's preferred
 * width is used, up to 512.
 */
final class KernelSelector {
  private static final String PROPERTY = "nightjar.vector.bits";
  private static final String MODULE = "jdk.incubator.vector";
  private static final int UNSET = -1;

  private KernelSelector() {}

  /** The kernels of this JVM; see {@link Kernels#best}. */
  static Kernels best() {
    // Checked before the holder is touched: an exception in a static initialiser would hide its
    // message later.
    forcedBits();
    return Holder.BEST;
  }

  /**
   * Whether this JVM was started with the Vector API; only then may {@link VectorKernels}, {@link
   * VectorWidth} and {@link Lanes} be touched.
   */
  static boolean vectorModulePresent() {
    return ModuleLayer.boot().findModule(MODULE).isPresent();
  }

  /** The vector width asked for in bits, 0 for scalar, or -1 if nothing was asked for. */
  static int forcedBits() {
    String text = System.getProperty(PROPERTY);
    if (text == null || text.isEmpty()) {
      return UNSET;
    }
    int bits =
        switch (text) {
          case "0" -> 0;
          case "128" -> 128;
          case "256" -> 256;
          case "512" -> 512;
          default ->
              throw new IllegalArgumentException(
                  "System property "
                      + PROPERTY
                      + " is \""
                      + text
                      + "\", expected 0, 128, 256 or 512");
        };
    if (bits > 0 && !vectorModulePresent()) {
      throw new IllegalArgumentException(
          "System property "
              + PROPERTY
              + " is "
              + bits
              + ", but the Vector API is not loaded;"
              + " add the JVM flag --add-modules "
              + MODULE);
    }
    if (bits > 0 && bits > VectorWidth.widestBits()) {
      throw new IllegalArgumentException(
          "System property "
              + PROPERTY
              + " is "
              + bits
              + ", but the vectors of this machine have "
              + VectorWidth.widestBits()
              + " bits; ask for less or remove the property");
    }
    return bits;
  }

  private static Kernels select() {
    System.Logger logger = System.getLogger(KernelSelector.class.getName());
    Kernels kernels;
    if (forcedBits() == 0) {
      kernels = new ScalarKernels();
    } else if (!vectorModulePresent()) {
      logger.log(
          System.Logger.Level.WARNING,
          "The Vector API is not loaded: generation will be many times slower than it could be."
              + " Add the JVM flag --add-modules "
              + MODULE);
      kernels = new ScalarKernels();
    } else if (VectorWidth.widestBits() < 128) {
      logger.log(
          System.Logger.Level.WARNING,
          "This machine or JVM offers no vector registers: generation will be slow.");
      kernels = new ScalarKernels();
    } else {
      kernels = new VectorKernels();
    }
    logger.log(System.Logger.Level.INFO, "Kernels: {0}", kernels.description());
    return kernels;
  }

  /** Initialised at the first use, once. */
  private static final class Holder {
    static final Kernels BEST = select();

    private Holder() {}
  }
}
