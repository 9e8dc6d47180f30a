package io.baton.kv.codec.klt;

import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.EigenDecomposition_F64;

/**
 * The Karhunen-Loeve transform of one head's keys or values in the metric of attention: {@code y =
 * U' M^(1/2) (x - mean)}, where the columns of U are the eigenvectors of {@code M^(1/2) covariance
 * M^(1/2)}, the largest first; so an error of y does as much harm whatever its direction, and the
 * elements of y do not correlate.
 *
 * @param mean {@code [dim]}
 * @param forward {@code [dim, dim]}, a row for each coefficient
 * @param inverse {@code [dim, dim]}, a row for each element of x
 * @param deviations of the coefficients, falling
 */
public record KltTransform(double[] mean, double[] forward, double[] inverse, double[] deviations) {
    /** A metric's smallest eigenvalues count as this share of their mean. */
    private static final double FLOOR = 1e-4;

    static KltTransform of(Moments moments, double[] metric) {
        int dim = moments.dim();
        double[] mean = moments.mean();
        Eigen of = Eigen.of(metric, dim);
        double trace = 0;
        for (double value : of.values()) {
            trace += Math.max(0, value);
        }
        // A head that nothing attends to has no metric: any will do, and costs next to nothing.
        double floor = Math.max(FLOOR * trace / dim, 1e-20);
        double[] root = new double[dim * dim];
        double[] back = new double[dim * dim];
        for (int i = 0; i < dim; i++) {
            double value = Math.sqrt(Math.max(of.values()[i], floor));
            addProduct(root, of.vectors(), i, value);
            addProduct(back, of.vectors(), i, 1 / value);
        }
        Eigen karhunen =
                Eigen.of(product(product(root, moments.covariance(), dim), root, dim), dim);
        double[] forward = product(transposed(karhunen.vectors(), dim), root, dim);
        double[] inverse = product(back, karhunen.vectors(), dim);
        double[] deviations = new double[dim];
        for (int i = 0; i < dim; i++) {
            deviations[i] = Math.sqrt(Math.max(0, karhunen.values()[i]));
        }
        return new KltTransform(mean, forward, inverse, deviations);
    }

    private static void addProduct(double[] sum, double[] vectors, int column, double factor) {
        int dim = (int) Math.sqrt(sum.length);
        for (int a = 0; a < dim; a++) {
            double scaled = factor * vectors[a * dim + column];
            for (int b = 0; b < dim; b++) {
                sum[a * dim + b] += scaled * vectors[b * dim + column];
            }
        }
    }

    private static double[] product(double[] a, double[] b, int dim) {
        double[] product = new double[dim * dim];
        for (int i = 0; i < dim; i++) {
            for (int k = 0; k < dim; k++) {
                double factor = a[i * dim + k];
                for (int j = 0; j < dim; j++) {
                    product[i * dim + j] += factor * b[k * dim + j];
                }
            }
        }
        return product;
    }

    private static double[] transposed(double[] a, int dim) {
        double[] turned = new double[dim * dim];
        for (int i = 0; i < dim; i++) {
            for (int j = 0; j < dim; j++) {
                turned[j * dim + i] = a[i * dim + j];
            }
        }
        return turned;
    }

    /**
     * Of a symmetric matrix.
     *
     * @param values falling
     * @param vectors {@code [dim, dim]}, a column for each value, the largest element positive
     */
    private record Eigen(double[] values, double[] vectors) {
        static Eigen of(double[] matrix, int dim) {
            EigenDecomposition_F64<DMatrixRMaj> decomposition =
                    DecompositionFactory_DDRM.eig(dim, true, true);
            if (!decomposition.decompose(new DMatrixRMaj(dim, dim, true, matrix.clone()))) {
                throw new IllegalStateException("a matrix of moments is not finite");
            }
            Integer[] order = new Integer[dim];
            for (int i = 0; i < dim; i++) {
                order[i] = i;
            }
            java.util.Arrays.sort(
                    order,
                    java.util.Comparator.comparingDouble(
                            i -> -decomposition.getEigenvalue(i).getReal()));
            double[] values = new double[dim];
            double[] vectors = new double[dim * dim];
            for (int i = 0; i < dim; i++) {
                values[i] = decomposition.getEigenvalue(order[i]).getReal();
                double[] column = decomposition.getEigenVector(order[i]).getData();
                double sign = signOf(column);
                for (int a = 0; a < dim; a++) {
                    vectors[a * dim + i] = sign * column[a];
                }
            }
            return new Eigen(values, vectors);
        }

        private static double signOf(double[] column) {
            double largest = 0;
            for (double value : column) {
                if (Math.abs(value) > Math.abs(largest)) {
                    largest = value;
                }
            }
            return largest < 0 ? -1 : 1;
        }
    }
}
