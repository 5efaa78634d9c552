package dev.nightjar.job;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TestSqlStatements {
  @Test
  void semicolonsEndStatements() {
    SqlStatements statements = new SqlStatements();
    assertThat(statements.add("SELECT 1; SELECT\n")).containsExactly("SELECT 1");
    assertThat(statements.isEmpty()).isFalse();
    assertThat(statements.add("2;;\n")).containsExactly("SELECT\n2");
    assertThat(statements.isEmpty()).isTrue();
  }

  @Test
  void semicolonsInQuotesAndCommentsAreText() {
    SqlStatements statements = new SqlStatements();
    assertThat(statements.add("SELECT ';', \";\", `;`, 'a\\';' -- ;\n /* ; */ , 1;"))
        .containsExactly("SELECT ';', \";\", `;`, 'a\\';' -- ;\n /* ; */ , 1");
  }

  @Test
  void aMinusIsNoComment() {
    SqlStatements statements = new SqlStatements();
    assertThat(statements.add("SELECT 2 - 1; SELECT 4 / 2 * 1;")).hasSize(2);
  }

  @Test
  void whatIsNotFinishedStays() {
    SqlStatements statements = new SqlStatements();
    assertThat(statements.add("SELECT 'open")).isEmpty();
    assertThat(statements.rest()).isEqualTo("SELECT 'open");
  }
}
