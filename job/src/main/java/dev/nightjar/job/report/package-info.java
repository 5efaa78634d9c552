/** The page about a run: what it did, how deep its tokens went, and what went wrong. */
package dev.nightjar.job.report;
