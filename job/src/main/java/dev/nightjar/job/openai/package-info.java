/** Files of OpenAI's batch API: requests in, answers and errors out, through the batch job. */
package dev.nightjar.job.openai;
