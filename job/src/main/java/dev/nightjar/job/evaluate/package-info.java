/** Quality against compute: {@code nightjar evaluate}. */
package dev.nightjar.job.evaluate;
