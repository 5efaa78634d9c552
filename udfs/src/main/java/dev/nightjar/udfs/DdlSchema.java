package dev.nightjar.udfs;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.math.BigDecimal;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BooleanType;
import org.apache.spark.sql.types.ByteType;
import org.apache.spark.sql.types.CharType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DateType;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.DoubleType;
import org.apache.spark.sql.types.FloatType;
import org.apache.spark.sql.types.IntegerType;
import org.apache.spark.sql.types.LongType;
import org.apache.spark.sql.types.ShortType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.types.TimestampType;
import org.apache.spark.sql.types.VarcharType;

/**
 * Spark's types as JSON Schema, such that {@code from_json} reads what fits the schema without
 * loss. Every field is in the document; one that is not {@code NOT NULL} may be null there.
 */
public final class DdlSchema {
  private static final int MOST_WHOLE_DIGITS = 15;

  private DdlSchema() {}

  /**
   * The JSON Schema of columns as in {@code CREATE TABLE}.
   *
   * @param ddl for example {@code label STRING NOT NULL, score DOUBLE}
   * @throws EngineException when that is malformed or has a type without a JSON form
   */
  public static String jsonSchema(String ddl) {
    return jsonSchema(parse(ddl));
  }

  /**
   * The JSON Schema of a row.
   *
   * @throws EngineException when a field has a type without a JSON form
   */
  public static String jsonSchema(StructType type) {
    return object(type, "").toString();
  }

  private static StructType parse(String ddl) {
    try {
      return fromDdl(ddl);
    } catch (ParseException e) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          "the schema \""
              + ddl
              + "\" is neither JSON Schema nor a list of columns such as \"label STRING, score"
              + " DOUBLE\": "
              + e.getMessage(),
          e);
    }
  }

  /** What Spark throws from Scala, said in Java. */
  private static StructType fromDdl(String ddl) throws ParseException {
    return StructType.fromDDL(ddl);
  }

  private static ObjectNode object(StructType type, String path) {
    ObjectNode schema = of("object");
    ObjectNode properties = schema.putObject("properties");
    ArrayNode required = schema.putArray("required");
    for (StructField field : type.fields()) {
      ObjectNode value = schema(field.dataType(), path + field.name());
      if (field.nullable()) {
        value = orNull(value);
      }
      if (field.getComment().isDefined()) {
        value.put("description", field.getComment().get());
      }
      properties.set(field.name(), value);
      required.add(field.name());
    }
    return schema.put("additionalProperties", false);
  }

  private static ObjectNode orNull(ObjectNode schema) {
    ObjectNode either = JsonNodeFactory.instance.objectNode();
    either.putArray("anyOf").add(schema).add(of("null"));
    return either;
  }

  private static ObjectNode schema(DataType type, String path) {
    return switch (type) {
      case VarcharType varchar -> of("string").put("maxLength", varchar.length());
      case CharType chars -> of("string").put("maxLength", chars.length());
      case StringType string -> of("string");
      case BooleanType truth -> of("boolean");
      case ByteType number -> integer(Byte.MIN_VALUE, Byte.MAX_VALUE);
      case ShortType number -> integer(Short.MIN_VALUE, Short.MAX_VALUE);
      case IntegerType number -> integer(Integer.MIN_VALUE, Integer.MAX_VALUE);
      case LongType number -> of("integer");
      case FloatType number -> number(BigDecimal.TEN.pow(MOST_WHOLE_DIGITS));
      case DoubleType number -> of("number");
      case DecimalType decimal -> decimal(decimal);
      case DateType date -> of("string").put("format", "date");
      case TimestampType time -> of("string").put("format", "date-time");
      case ArrayType array -> {
        ObjectNode items = schema(array.elementType(), path + "[]");
        ObjectNode schema = of("array");
        schema.set("items", array.containsNull() ? orNull(items) : items);
        yield schema;
      }
      case StructType struct -> object(struct, path + ".");
      default ->
          throw new EngineException(
              ErrorCode.INVALID_OPTION,
              "field "
                  + path
                  + " has the type "
                  + type.sql()
                  + ", which has no JSON form here; use STRING, BOOLEAN, a number, DATE, TIMESTAMP,"
                  + " ARRAY or STRUCT");
    };
  }

  private static ObjectNode of(String type) {
    return JsonNodeFactory.instance.objectNode().put("type", type);
  }

  private static ObjectNode integer(long min, long max) {
    return of("integer").put("minimum", min).put("maximum", max);
  }

  /** Rounding to the scale must not lead to a digit too many. */
  private static ObjectNode decimal(DecimalType type) {
    int digits = Math.min(type.precision() - type.scale(), MOST_WHOLE_DIGITS);
    BigDecimal bound = BigDecimal.TEN.pow(digits).subtract(BigDecimal.ONE);
    return type.scale() == 0
        ? of("integer").put("minimum", bound.negate()).put("maximum", bound)
        : number(bound);
  }

  private static ObjectNode number(BigDecimal bound) {
    return of("number").put("minimum", bound.negate()).put("maximum", bound);
  }
}
