package dev.nightjar.engine.tokenizer.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TestTemplate {
  private static final Map<String, Object> VARIABLES =
      Map.of("list", List.of(3L, 1L, 2L), "d", Map.of("x", 1L), "text", "Hello");

  private static String render(String template) {
    return Template.parse(template).render(VARIABLES);
  }

  private static void assertFault(String template, String... parts) {
    assertThatThrownBy(() -> render(template))
        .as(template.length() > 200 ? template.substring(0, 200) : template)
        .isInstanceOfSatisfying(
            EngineException.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.TEMPLATE_ERROR);
              assertThat(e.getMessage()).contains(parts);
            });
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '!',
      quoteCharacter = '^',
      value = {
        "{{ 1 + 'a' }} ! line 1: \"+\" does not work between an integer and a string",
        "{{ x.y }} ! \"x\" is undefined, it has no attribute \"y\"",
        "{{ x() }} ! cannot be called",
        "{% if %} ! expected a value",
        "{% for x in list %} ! expected {% endfor %}",
        "{{ 'a' } ! the tag is not closed",
        "{{ a b }} ! expected }}",
        "{% nope %} ! the statement \"nope\" is not supported",
        "{{ 1 | nope }} ! there is no filter \"nope\"",
        "{{ 1 is nope }} ! there is no test \"nope\"",
        "{{ [1][0 }} ! expected",
        "{{ list.append(1) }} ! a list has no method \"append\"",
        "{{ d.pop('x') }} ! a dict has no method \"pop\"",
        "{{ raise_exception('no tools') }} ! the template refuses the messages: no tools",
        "{% endif %} ! unexpected statement \"endif\"",
        "{{ 1 // 0 }} ! divides by zero",
        "{{ 1.5 / 0 }} ! division by zero",
        "{{ 1 in 1 }} ! needs a string, list or dict",
        "{{ 'a' < 1 }} ! cannot be compared",
        "{{ none + 1 }} ! between none and an integer",
        "{{ 'x'.join([1]) }} ! expected strings",
        "{% include 'x' %} ! not supported",
        "{% import 'x' as y %} ! not supported",
        "{% set list.x = 1 %} ! only attributes of namespaces can be set",
        "{{ {'a':1}.b.c }} ! undefined",
        "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }} ! m takes at most 1 arguments, found 2",
        "{% macro m(a) %}{% endmacro %}{{ m(q=2) }} ! no parameter named [q]",
        "{{ 'abc ! the string is not closed",
        "{# abc ! the comment is not closed",
        "{% raw %}{{ x ! raw is not closed",
        "{% break %} ! break outside a loop",
        "{% set a, b = [1] %} ! 1 values cannot be unpacked into 2 names",
        "{% for a in 5 %}{% endfor %} ! an integer cannot be looped over",
        "{{ 99999999999999999999 }} ! too large",
        "{{ 9223372036854775807 + 1 }} ! too large",
        "{{ 2 ** 64 }} ! too large",
        "{{ text[::0] }} ! the step of a slice is 0",
        "{{ namespace(1) }} ! expected one or named arguments",
        "{{ {[1]: 2} }} ! the key of a dict is a list",
        "{{ text.split('') }} ! separator that is not empty"
      })
  void faultsNameTheLineAndWhatIsWrong(String template, String expected) {
    assertFault(template, "chat template, line ", expected);
  }

  @Test
  void linesAreCountedThroughTextTagsAndStrings() {
    assertFault("a\n{{ x.y }}", "line 2");
    assertFault("a\r\n{# \n #}\n{% if 1 -%}\n\n {{ 'a\n' }}{{ x.y }}{% endif %}", "line 7");
    assertFault("{% raw %}\n{% endraw %}\n{% nope %}", "line 3");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ ''.__class__ }}",
        "{{ list.__class__ }}",
        "{{ d.__class__ }}",
        "{{ list.class }}",
        "{{ text['getClass'] }}",
        "{{ d.getClass }}",
        "{{ text.bytes }}",
        "{{ text.upper }}"
      })
  void javaAndPythonInternalsAreUndefined(String template) {
    assertThat(render(template)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ ''.__class__.__mro__ }}",
        "{{ text.getClass() }}",
        "{{ text.getClass().forName('java.lang.Runtime') }}",
        "{{ list.stream() }}",
        "{{ d.getOrDefault('x', 1) }}",
        "{{ text.format() }}",
        "{{ range.__globals__ }}{{ range.__globals__.x }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ self.x() }}",
        "{{ text | attr('__class__') | attr('__mro__') }}"
      })
  void nothingLeadsOutOfTheSandbox(String template) {
    assertFault(template, "chat template");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{{ 'a' * 1000000000 }}",
        "{{ 'abcdefgh' * 9000000000000000000 }}",
        "{{ [1] * 1000000000 }}",
        "{{ range(1000000000) }}",
        "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}"
            + "{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}"
            + "{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}"
            + "{% endfor %}{{ ns.x | tojson }}",
        "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x]"
            + " %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
        "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x]"
            + " %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x < ns.y }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
        "{% set ns = namespace(x='ab') %}{% for i in range(60) %}"
            + "{% set ns.x = ns.x | replace('', ns.x) %}{% endfor %}",
        "{% set ns = namespace(x='a\n') %}{% for i in range(99999) %}"
            + "{% set ns.x = ns.x | indent(999, true, true) %}{% endfor %}",
        "{% set ns = namespace(x=['ab']) %}{% for i in range(99) %}"
            + "{% set ns.x = [(ns.x + ns.x) | join('x' * 99999)] %}{% endfor %}",
        "{% for i in range(99999) %}{{ 'a' * 10000 }}{% endfor %}",
        "{% for i in range(99999) %}{{ text * 100000 == text }}{% endfor %}",
        "{% for i in range(99999) %}{{ range(99999) | sort | length }}{% endfor %}",
        "{% set ns = namespace(x=[]) %}{% for i in range(99999) %}{% set ns.x = [ns.x] %}{% endfor"
            + " %}{% set q = ns.x == [ns.x] %}{{ ns.x | tojson }}"
      })
  void limitsStopRunawayTemplates(String template) {
    assertFault(template, "chat template");
  }

  @Test
  void deepNestingIsRefused() {
    assertFault("{{ " + "(".repeat(50_000) + "1" + ")".repeat(50_000) + " }}", "nested");
    assertFault("{{ " + "[".repeat(50_000) + "]".repeat(50_000) + " }}", "nested");
    assertFault("{{ " + "not ".repeat(50_000) + "1 }}", "nested");
    assertFault("{{ " + "-".repeat(50_000) + "1 }}", "nested");
    assertFault("{% if 1 %}".repeat(5_000) + "{% endif %}".repeat(5_000), "nested");
    assertFault("{{ 1" + " + 1".repeat(50_000) + " }}", "operators in a row");
    assertFault("{{ 1" + " | abs".repeat(50_000) + " }}", "operators in a row");
    assertFault("{{ x" + ".a".repeat(50_000) + " }}", "operators in a row");
    assertFault("{{ 1" + " if 1 else 1".repeat(50_000) + " }}", "nested");
    assertFault("{{ 1" + " if 1".repeat(50_000) + " }}", "operators in a row");
    assertFault("{% set x" + " | upper".repeat(50_000) + " %}{% endset %}", "filters in a row");
    assertFault("x".repeat(2_000_000), "at most");
  }

  @Test
  void longFlatTemplatesAreFine() {
    String flat = "{% if list %}{{ text }}{% endif %}".repeat(2_000);
    assertThat(render(flat)).isEqualTo("Hello".repeat(2_000));
    assertThat(render("{{ ''" + " ~ 'a'".repeat(5_000) + " }}")).hasSize(5_000);
  }

  @Test
  void stepsGrowWithTheVariables() {
    String text = "ab ".repeat(500_000);
    String template = "{% for i in range(20) %}{{ text | trim | upper | length }}{% endfor %}";
    assertThat(Template.parse(template).render(Map.of("text", text))).startsWith("1499999");
  }

  @Test
  void theClockIsUndefinedUnlessGiven() {
    assertThat(render("{{ strftime_now is defined }}")).isEqualTo("False");
  }

  @Test
  void callersSeeNothingOfAForeignType() {
    assertThatThrownBy(() -> Template.parse("x").render(Map.of("o", new Object())))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void brokenTemplatesGiveErrorsOnly() {
    String[] parts = {
      "{{",
      "}}",
      "{%",
      "%}",
      "{#",
      "#}",
      "-",
      " if ",
      " else ",
      " endif ",
      " for x in list ",
      " endfor ",
      " set ",
      "x",
      "=",
      "list",
      "text",
      "d",
      ".",
      "[",
      "]",
      "(",
      ")",
      "|",
      "upper",
      "tojson",
      "is",
      "defined",
      "'a'",
      "1",
      "2.5",
      "~",
      "+",
      "*",
      "in",
      "not",
      "{",
      "}",
      ":",
      ",",
      "\n",
      " macro m(a) ",
      " endmacro ",
      "m",
      "loop.index",
      "namespace(a=1)",
      " raw ",
      " endraw "
    };
    SplittableRandom random = new SplittableRandom(11);
    int rendered = 0;
    for (int i = 0; i < 20_000; i++) {
      StringBuilder template = new StringBuilder();
      boolean wrapped = random.nextBoolean();
      template.append(wrapped ? "{{" : "");
      for (int n = random.nextInt(1, 12); n > 0; n--) {
        template.append(parts[random.nextInt(parts.length)]);
      }
      template.append(wrapped ? "}}" : "");
      try {
        render(template.toString());
        rendered++;
      } catch (EngineException e) {
        assertThat(e.code()).as(template.toString()).isEqualTo(ErrorCode.TEMPLATE_ERROR);
      }
    }
    assertThat(rendered).isGreaterThan(1_000);
  }
}
