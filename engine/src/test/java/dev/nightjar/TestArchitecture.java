package dev.nightjar;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Who may know whom inside the engine, lowest first. */
class TestArchitecture {
  private static final String ENGINE = "dev.nightjar.engine";

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages(ENGINE);

  @ParameterizedTest
  @CsvSource(
      delimiter = ':',
      value = {
        "api       :",
        "tensor    : api",
        "kernel    : api tensor",
        "format    : api tensor",
        "depth     : api tensor kernel format",
        "tokenizer : api tensor format",
        "model     : api tensor kernel format depth",
        "constraint: api tokenizer",
        "decode    : api tensor kernel depth model tokenizer constraint",
      })
  void packagesKnowOnlyThoseBelow(String name, String below) {
    List<String> allowed = new ArrayList<>();
    allowed.add("java..");
    allowed.add("jdk.incubator.vector..");
    allowed.add("com.fasterxml.jackson..");
    allowed.add(ENGINE + "." + name + "..");
    if (below != null) {
      for (String other : below.trim().split(" +")) {
        allowed.add(ENGINE + "." + other + "..");
      }
    }
    classes()
        .that()
        .resideInAPackage(ENGINE + "." + name + "..")
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(allowed.toArray(String[]::new))
        .check(CLASSES);
  }

  @Test
  void packagesHaveNoCycles() {
    slices().matching(ENGINE + ".(*)..").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void nothingKnowsTheDoor() {
    noClasses()
        .that()
        .resideOutsideOfPackage(ENGINE)
        .should()
        .dependOnClassesThat()
        .resideInAPackage(ENGINE)
        .check(CLASSES);
  }

  @Test
  void onlyKernelsUseTheVectorApi() {
    noClasses()
        .that()
        .resideOutsideOfPackage(ENGINE + ".kernel..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("jdk.incubator.vector..")
        .check(CLASSES);
  }

  @Test
  void arithmeticAndDecodingReadNoJson() {
    noClasses()
        .that()
        .resideInAnyPackage(
            ENGINE + ".api..", ENGINE + ".tensor..", ENGINE + ".kernel..", ENGINE + ".decode..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("com.fasterxml..")
        .check(CLASSES);
  }

  @Test
  void engineUsesTheJdkAndAJsonReaderOnly() {
    classes()
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(
            "java..", "jdk.incubator.vector..", "com.fasterxml.jackson..", "dev.nightjar.engine..")
        .check(CLASSES);
  }

  @Test
  void engineOpensNoConnections() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("java.net.http..", "java.rmi..", "javax.naming..")
        .orShould()
        .dependOnClassesThat()
        .haveNameMatching("java\\.net\\..*(Socket|Connection|Channel).*|java\\.net\\.InetAddress")
        .check(CLASSES);
  }

  @Test
  void engineLeavesTheJvmAlone() {
    noClasses()
        .should()
        .callMethod(System.class, "setProperty", String.class, String.class)
        .orShould()
        .callMethod(System.class, "exit", int.class)
        .orShould()
        .callMethod(System.class, "gc")
        .orShould()
        .accessField(System.class, "out")
        .orShould()
        .accessField(System.class, "err")
        .orShould()
        .dependOnClassesThat()
        .haveFullyQualifiedName("java.io.ObjectInputStream")
        .check(CLASSES);
  }
}
