package dev.nightjar.job.evaluate;

import java.awt.geom.Rectangle2D;
import java.util.ArrayList;
import java.util.List;

/**
 * Puts labels beside points so that they cover neither points nor each other, as far as there is
 * room: each label in turn takes the free place nearest to its point.
 */
final class LabelPlacement {
  private static final double GAP = 7;
  private static final double STEP = 9;
  private static final int RINGS = 14;
  private static final double OUTSIDE = 1000;

  private final Rectangle2D bounds;
  private final List<Rectangle2D> taken = new ArrayList<>();

  /**
   * @param bounds where labels may be, in pixels
   */
  LabelPlacement(Rectangle2D bounds) {
    this.bounds = bounds;
  }

  /** Keeps labels off an area. */
  void block(Rectangle2D area) {
    taken.add(area);
  }

  /** The place of a label of the given size beside a point; later labels keep off it. */
  Rectangle2D place(double x, double y, double width, double height) {
    Rectangle2D best = null;
    double bestCost = Double.POSITIVE_INFINITY;
    for (int ring = 0; ring < RINGS; ring++) {
      double away = GAP + ring * STEP;
      double[][] corners = {
        {x + away, y - height / 2},
        {x - away - width, y - height / 2},
        {x - width / 2, y - away - height},
        {x - width / 2, y + away},
        {x + GAP, y - away - height},
        {x - GAP - width, y - away - height},
        {x + GAP, y + away},
        {x - GAP - width, y + away}
      };
      for (int i = 0; i < corners.length; i++) {
        Rectangle2D candidate = new Rectangle2D.Double(corners[i][0], corners[i][1], width, height);
        double cost = cost(candidate) + ring * 20 + i;
        if (cost < bestCost) {
          bestCost = cost;
          best = candidate;
        }
      }
    }
    taken.add(best);
    return best;
  }

  private double cost(Rectangle2D candidate) {
    double cost = bounds.contains(candidate) ? 0 : OUTSIDE * 100;
    for (Rectangle2D other : taken) {
      if (candidate.intersects(other)) {
        Rectangle2D both = candidate.createIntersection(other);
        cost += OUTSIDE + both.getWidth() * both.getHeight();
      }
    }
    return cost;
  }
}
