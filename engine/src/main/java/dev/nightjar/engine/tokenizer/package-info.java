/** Text to token ids and back, and chat templates. Knows nothing of the engine. */
package dev.nightjar.engine.tokenizer;
