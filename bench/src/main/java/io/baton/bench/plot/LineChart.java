package io.baton.bench.plot;

import java.util.List;
import java.util.Locale;

/**
 * Lines over two logarithmic axes, as SVG text that any browser shows.
 *
 * @param title above the chart
 * @param x axis below
 * @param y axis at the left
 * @param lines drawn in this order
 */
public record LineChart(String title, Axis x, Axis y, List<Line> lines) {
    private static final int WIDTH = 720;
    private static final int HEIGHT = 420;
    private static final int LEFT = 70;
    private static final int RIGHT = 130;
    private static final int TOP = 40;
    private static final int BOTTOM = 50;
    private static final String[] COLOURS = {
        "#1b6ca8", "#d1495b", "#2e933c", "#edae49", "#7a5195", "#4d4d4d", "#00798c", "#a0522d"
    };

    /**
     * @param label with its unit
     * @param ticks values that are marked, rising; the first and the last bound the axis
     */
    public record Axis(String label, List<Double> ticks) {
        public Axis {
            ticks = List.copyOf(ticks);
            if (ticks.size() < 2 || !(ticks.getFirst() > 0)) {
                throw new IllegalArgumentException("axis " + label + " needs two ticks above 0");
            }
        }

        /** 0 at the first tick, 1 at the last. */
        double part(double value) {
            double first = Math.log(ticks.getFirst());
            return (Math.log(value) - first) / (Math.log(ticks.getLast()) - first);
        }
    }

    /** As many y as x, all above 0. */
    public record Line(String name, double[] xs, double[] ys) {
        public Line {
            if (xs.length != ys.length || xs.length == 0) {
                throw new IllegalArgumentException("line " + name + " needs as many y as x");
            }
        }
    }

    public LineChart {
        lines = List.copyOf(lines);
    }

    /** The chart; the same input gives the same text. */
    public String svg() {
        StringBuilder svg = new StringBuilder();
        svg.append(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n"
                        .formatted(WIDTH, HEIGHT));
        svg.append("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
        text(svg, WIDTH / 2.0, 22, "middle", title);
        for (double tick : x.ticks()) {
            line(svg, px(tick), TOP, px(tick), HEIGHT - BOTTOM);
            text(svg, px(tick), HEIGHT - BOTTOM + 18, "middle", number(tick));
        }
        for (double tick : y.ticks()) {
            line(svg, LEFT, py(tick), WIDTH - RIGHT, py(tick));
            text(svg, LEFT - 8, py(tick) + 4, "end", number(tick));
        }
        text(svg, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 10, "middle", x.label());
        text(svg, LEFT, TOP - 8, "middle", y.label());
        for (int i = 0; i < lines.size(); i++) {
            draw(svg, lines.get(i), i);
        }
        return svg.append("</svg>\n").toString();
    }

    private void draw(StringBuilder svg, Line line, int number) {
        String colour = COLOURS[number % COLOURS.length];
        StringBuilder points = new StringBuilder();
        for (int i = 0; i < line.xs().length; i++) {
            points.append(i == 0 ? "" : " ").append(at(px(line.xs()[i]))).append(',');
            points.append(at(py(line.ys()[i])));
        }
        svg.append(
                "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"%s\"/>\n"
                        .formatted(colour, points));
        double keyY = TOP + 16.0 * number;
        svg.append(
                "<rect x=\"%d\" y=\"%s\" width=\"14\" height=\"3\" fill=\"%s\"/>\n"
                        .formatted(WIDTH - RIGHT + 12, at(keyY), colour));
        text(svg, WIDTH - RIGHT + 32, keyY + 6, "start", line.name());
    }

    private double px(double value) {
        return LEFT + x.part(value) * (WIDTH - LEFT - RIGHT);
    }

    private double py(double value) {
        return HEIGHT - BOTTOM - y.part(value) * (HEIGHT - TOP - BOTTOM);
    }

    private static void line(StringBuilder svg, double x1, double y1, double x2, double y2) {
        svg.append(
                "<line x1=\"%s\" y1=\"%s\" x2=\"%s\" y2=\"%s\" stroke=\"#ddd\"/>\n"
                        .formatted(at(x1), at(y1), at(x2), at(y2)));
    }

    private static void text(StringBuilder svg, double x, double y, String anchor, String text) {
        String plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
        svg.append(
                "<text x=\"%s\" y=\"%s\" text-anchor=\"%s\">%s</text>\n"
                        .formatted(at(x), at(y), anchor, plain));
    }

    private static String at(double pixels) {
        return String.format(Locale.ROOT, "%.1f", pixels);
    }

    private static String number(double value) {
        return value == Math.rint(value)
                ? String.valueOf((long) value)
                : String.format(Locale.ROOT, "%s", value);
    }
}
