package dev.nightjar.job.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TestNpmPackage {
  @TempDir private Path folder;

  @Test
  void onlyWantedFilesAreUnpacked() throws IOException {
    Path archive = archive("package/data/a.txt", "package/data/a.json", "package/data/b/c.txt");
    Path target = folder.resolve("out");
    NpmPackage.unpack(archive, target, name -> name.endsWith(".txt"));
    assertThat(target.resolve("package/data/a.txt")).hasContent("package/data/a.txt");
    assertThat(target.resolve("package/data/b/c.txt")).exists();
    assertThat(target.resolve("package/data/a.json")).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(strings = {"../evil.txt", "a/../../evil.txt", "/evil/x.txt", "."})
  void nothingIsWrittenOutsideOfTheFolder(String name) throws IOException {
    Path archive = archive("package/ok.txt", name);
    Path target = folder.resolve("out");
    assertThatThrownBy(() -> NpmPackage.unpack(archive, target, any -> true))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("outside of its folder");
    assertThat(folder.resolve("evil.txt")).doesNotExist();
    assertThat(target).doesNotExist();
  }

  @Test
  void linksAreNotFollowed() throws IOException {
    Path archive = folder.resolve("links.tgz");
    try (TarArchiveOutputStream tar = open(archive)) {
      TarArchiveEntry link = new TarArchiveEntry("package/link.txt", TarConstants.LF_SYMLINK);
      link.setLinkName("/etc/passwd");
      tar.putArchiveEntry(link);
      tar.closeArchiveEntry();
    }
    Path target = folder.resolve("out");
    NpmPackage.unpack(archive, target, any -> true);
    assertThat(target).isEmptyDirectory();
  }

  @Test
  void aDamagedArchiveIsAnError() throws IOException {
    Path archive = archive("package/a.txt");
    byte[] bytes = Files.readAllBytes(archive);
    bytes[bytes.length / 2] ^= 0x55;
    Files.write(archive, bytes);
    assertThatThrownBy(() -> NpmPackage.unpack(archive, folder.resolve("out"), any -> true))
        .isInstanceOf(IOException.class);
  }

  private Path archive(String... names) throws IOException {
    Path archive = folder.resolve("archive.tgz");
    try (TarArchiveOutputStream tar = open(archive)) {
      for (String name : names) {
        byte[] content = name.getBytes(StandardCharsets.UTF_8);
        TarArchiveEntry entry = new TarArchiveEntry(name, true);
        entry.setSize(content.length);
        tar.putArchiveEntry(entry);
        tar.write(content);
        tar.closeArchiveEntry();
      }
    }
    return archive;
  }

  private static TarArchiveOutputStream open(Path archive) throws IOException {
    return new TarArchiveOutputStream(new GZIPOutputStream(Files.newOutputStream(archive)));
  }
}
