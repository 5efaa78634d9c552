/**
 * Requests of OpenAI's batch API: one JSON object a line, read into prompts and tasks of the
 * engine. Knows nothing of Spark.
 */
package dev.nightjar.udfs.openai;
