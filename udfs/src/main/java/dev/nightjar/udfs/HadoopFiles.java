package dev.nightjar.udfs;

import java.io.IOException;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.SparkEnv;
import org.apache.spark.deploy.SparkHadoopUtil;

/** Hadoop's file systems as tasks see them. */
final class HadoopFiles {
  private HadoopFiles() {}

  /**
   * The file system of a path, set up by the application's {@code spark.hadoop} properties, which
   * an executor's own Hadoop configuration does not have.
   */
  static FileSystem of(Path path) throws IOException {
    SparkHadoopUtil hadoop = SparkHadoopUtil.get();
    SparkEnv application = SparkEnv.get();
    return path.getFileSystem(
        application == null ? hadoop.conf() : hadoop.newConfiguration(application.conf()));
  }
}
