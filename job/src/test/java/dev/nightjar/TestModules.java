package dev.nightjar;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** The direction between modules: job, then udfs, then engine, never back. */
class TestModules {
  private static final String ENGINE = "dev.nightjar.engine";

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("dev.nightjar");

  @Test
  void engineKnowsNothingOfSpark() {
    noClasses()
        .that()
        .resideInAPackage(ENGINE + "..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "dev.nightjar.udfs..", "dev.nightjar.job..", "org.apache.spark..", "scala..")
        .check(CLASSES);
  }

  @Test
  void udfsKnowNothingOfTheJob() {
    noClasses()
        .that()
        .resideInAPackage("dev.nightjar.udfs..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("dev.nightjar.job..", "picocli..")
        .check(CLASSES);
  }

  /** The benchmark measures kernels themselves. */
  @Test
  void modulesAboveUseOnlyTheEnginesDoor() {
    noClasses()
        .that()
        .resideInAnyPackage("dev.nightjar.udfs..", "dev.nightjar.job..")
        .and()
        .resideOutsideOfPackage("dev.nightjar.job.bench..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(ENGINE + ".kernel..", ENGINE + ".decode..")
        .check(CLASSES);
  }

  @Test
  void vectorApiStaysInTheEngine() {
    noClasses()
        .that()
        .resideOutsideOfPackage(ENGINE + "..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("jdk.incubator..")
        .check(CLASSES);
  }

  /** Whatever the network is for, Spark does it: reading and writing where the user says. */
  @Test
  void nothingOpensConnections() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .haveNameMatching("java\\.net\\.(.*Socket|URL|.*URLConnection|http\\..*)")
        .orShould()
        .dependOnClassesThat()
        .resideInAnyPackage("java.net.http..", "java.nio.channels.spi..", "java.rmi..")
        .check(CLASSES);
  }

  @Test
  void modulesHaveNoCycles() {
    slices().matching("dev.nightjar.(*)..").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void everyClassBelongsToAModule() {
    classes()
        .should()
        .resideInAnyPackage(ENGINE + "..", "dev.nightjar.udfs..", "dev.nightjar.job..")
        .check(CLASSES);
  }
}
