/** What makes an answer right; shared by evaluate and calibrate. */
package dev.nightjar.job.quality;
