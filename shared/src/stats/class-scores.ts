export interface Prediction {
  /** Index of the best class, the first of equals. */
  readonly index: number;
  /** Probability of the best class. */
  readonly confidence: number;
}

/**
 * Best class and its probability per row of `classes` scores. Rows that already are probabilities are taken as they
 * are, others as logits through softmax: builder and device read confidence the same way.
 */
export function predictionsOf(scores: ArrayLike<number>, classes: number): Prediction[] {
  const predictions: Prediction[] = [];
  for (let start = 0; start + classes <= scores.length; start += classes) {
    let index = 0;
    let sum = 0;
    let isProbability = true;
    for (let i = 0; i < classes; i++) {
      const score = scores[start + i] as number;
      if (score > (scores[start + index] as number)) index = i;
      if (score < 0 || score > 1) isProbability = false;
      sum += score;
    }
    const best = scores[start + index] as number;
    const confidence =
      isProbability && Math.abs(sum - 1) < 1e-2 ? best : softmaxOf(scores, start, classes, best);
    predictions.push({ index, confidence });
  }
  return predictions;
}

function softmaxOf(scores: ArrayLike<number>, start: number, classes: number, best: number): number {
  let sum = 0;
  for (let i = 0; i < classes; i++) sum += Math.exp((scores[start + i] as number) - best);
  return 1 / sum;
}
