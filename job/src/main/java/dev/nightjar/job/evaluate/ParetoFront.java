package dev.nightjar.job.evaluate;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** The points that no other point beats in both cost and quality. */
final class ParetoFront {
  /** One evaluated spec: less cost is better, more quality is better. */
  record Point(String name, double cost, double quality) {}

  private ParetoFront() {}

  /** The front by rising cost, and so by rising quality; of equal points the first one is kept. */
  static List<Point> of(List<Point> points) {
    List<Point> sorted = new ArrayList<>(points);
    sorted.sort(
        Comparator.comparingDouble(Point::cost)
            .thenComparing(Comparator.comparingDouble(Point::quality).reversed()));
    List<Point> front = new ArrayList<>();
    for (Point point : sorted) {
      if (front.isEmpty() || point.quality() > front.getLast().quality()) {
        front.add(point);
      }
    }
    return front;
  }
}
