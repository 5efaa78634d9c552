package dev.nightjar.engine.model;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileOwnerAttributeView;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.Set;

/**
 * Folders for what this user's processes leave for each other. What lies in a folder that others
 * could have written to is not to be trusted, so such a folder is refused; on file systems without
 * POSIX permissions only the owner is looked at.
 */
public final class OwnFolder {
  private OwnFolder() {}

  /** The user's folder below the temporary one; it need not exist. */
  public static Path path() {
    String user = System.getProperty("user.name", "user").replaceAll("[^A-Za-z0-9_.-]", "_");
    return Path.of(System.getProperty("java.io.tmpdir"), "nightjar-" + user).toAbsolutePath();
  }

  /**
   * Makes a folder, for this user only, unless it is there.
   *
   * @param folder absolute and not the root
   * @throws IOException when it cannot be written to, or belongs to or is open to other users
   */
  public static void prepare(Path folder) throws IOException {
    Files.createDirectories(folder.getParent());
    try {
      if (posixView(folder.getParent()) == null) {
        Files.createDirectory(folder);
      } else {
        Files.createDirectory(folder, permissions("rwx------"));
      }
    } catch (FileAlreadyExistsException e) {
      if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
        throw new IOException(folder + " is there and no folder", e);
      }
    }
    Path probe = Files.createTempFile(folder, ".owner", null);
    UserPrincipal self = owner(probe);
    Files.delete(probe);
    check(folder, self);
  }

  /**
   * Checks that a file or folder, not a link, belongs to {@code self} and nobody else may write it.
   */
  private static void check(Path path, UserPrincipal self) throws IOException {
    if (!owner(path).equals(self)) {
      throw new IOException(path + " belongs to " + owner(path) + ", not to " + self);
    }
    PosixFileAttributeView posix = posixView(path);
    if (posix != null) {
      Set<PosixFilePermission> permissions = posix.readAttributes().permissions();
      if (permissions.contains(PosixFilePermission.GROUP_WRITE)
          || permissions.contains(PosixFilePermission.OTHERS_WRITE)) {
        throw new IOException(
            path
                + " can be written by other users ("
                + PosixFilePermissions.toString(permissions)
                + ")");
      }
    }
  }

  /** Checks that a file has the owner of its folder and nobody else may write it. */
  static void checkFile(Path file) throws IOException {
    if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      throw new NoSuchFileException(file.toString());
    }
    if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
      throw new IOException("it is no regular file");
    }
    check(file, owner(file.getParent()));
  }

  /** Creates a file for this user only and opens it for writing. */
  static FileChannel createFile(Path file) throws IOException {
    Set<StandardOpenOption> options =
        Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    return posixView(file.getParent()) == null
        ? FileChannel.open(file, options)
        : FileChannel.open(file, options, permissions("rw-------"));
  }

  private static FileAttribute<Set<PosixFilePermission>> permissions(String text) {
    return PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(text));
  }

  /** Null on file systems without POSIX permissions. */
  private static PosixFileAttributeView posixView(Path path) {
    return Files.getFileAttributeView(
        path, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
  }

  private static UserPrincipal owner(Path path) throws IOException {
    return Files.getFileAttributeView(path, FileOwnerAttributeView.class, LinkOption.NOFOLLOW_LINKS)
        .getOwner();
  }
}
