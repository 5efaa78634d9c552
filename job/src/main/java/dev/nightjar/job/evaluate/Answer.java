package dev.nightjar.job.evaluate;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * One row's answer under one depth policy.
 *
 * @param row identifies the row in all runs of an evaluation
 * @param status the result table's status
 * @param text the answer, or null without one
 * @param gold values of the task's gold columns, with nulls
 * @param batch mean number of rows in flight with it; 0 without an answer
 */
record Answer(
    long row, String status, String text, List<String> gold, ComputeSums compute, double batch) {
  Answer {
    gold = Collections.unmodifiableList(new ArrayList<>(gold));
  }
}
