{#- Vars of earlier releases: name → what to do instead. -#}
{% macro vars_that_are_gone() %}
    {% do return({
        "feature_transforms": "give each feature its transform in the var features, like {recency_days: {transform: "
            ~ "identity}}.",
        "auto_refit": "run olist-segments refit-if-due after the build, which refits when the contract asks for it.",
    }) %}
{% endmacro %}

{#-
  What each var of dbt_project.yml may be; a var that is missing here is unknown.

  A rule has a `kind`, and by kind
    boolean: nothing more.
    integer, number: `min`, `max`, both allowed.
    name: `among`, the names allowed; without it lower-case letters, digits and underscores.
    text: nothing more; what is given reaches SQL as an escaped literal only.
    list: `of`, the rule of its members, none of which comes twice; `may_be_empty`.
    mapping: `of`, the rule of its values; its keys are names.
    settings: `settings`, a rule for each key; `may_lack`, true where keys have defaults; `needs`, those that have none.
-#}
{% macro rules_of_variables() %}
    {% set truth = {"kind": "boolean"} %}
    {% set share = {"kind": "number", "min": 0, "max": 1} %}
    {% set days = {"kind": "integer", "min": 1, "max": 3650} %}
    {% set days_of_parcels = {"kind": "integer", "min": 30, "max": 3650} %}
    {% set customers = {"kind": "integer", "min": 200, "max": 1000000000} %}
    {% set segments = {"kind": "integer", "min": 2, "max": 50} %}
    {% set deviations = {"kind": "number", "min": 0, "max": 1000} %}
    {% set stability_index = {"kind": "number", "min": 0, "max": 100} %}
    {% set names = {"kind": "list", "of": {"kind": "name"}} %}
    {% set transform = {"kind": "name", "among": ["identity", "ln", "log1p", "sqrt"]} %}
    {% set figures = [
        "structure_gap", "value_explained", "silhouette", "prediction_strength", "jaccard_min", "jaccard_mean",
        "ari_seeds", "ari_resamples", "smallest_share", "calinski_harabasz", "davies_bouldin",
    ] %}
    {% do return({
        "invalid_order_statuses": {"kind": "list", "of": {"kind": "text"}, "may_be_empty": true},
        "month_over_min_order_share": share,
        "window_min_share_of_typical_month": {"kind": "number", "min": 0.001, "max": 1},
        "max_days_after_purchase": {
            "kind": "settings", "settings": {"delivery": days_of_parcels, "review": days_of_parcels}
        },
        "features": {
            "kind": "mapping",
            "of": {
                "kind": "settings",
                "may_lack": true,
                "needs": ["transform"],
                "settings": {
                    "transform": transform,
                    "profile_transform": transform,
                    "label": {"kind": "text"},
                    "unit": {"kind": "text"},
                    "better": {"kind": "name", "among": ["low", "high"]},
                    "low": {"kind": "text"},
                    "high": {"kind": "text"},
                    "low_key": {"kind": "name"},
                    "high_key": {"kind": "name"},
                    "moved_by": {"kind": "name", "among": ["purchase", "review", "delivery", "clock"]},
                },
            },
        },
        "feature_sets": {"kind": "mapping", "of": names},
        "candidate_algorithms": {
            "kind": "list", "of": {"kind": "name", "among": ["kmeans", "gaussian_mixture", "ward", "hdbscan"]}
        },
        "candidate_k_min": segments,
        "candidate_k_max": segments,
        "segmentation_rule": {
            "kind": "settings",
            "may_lack": true,
            "settings": {
                "min_jaccard": share,
                "min_prediction_strength": share,
                "min_ari_seeds": share,
                "min_segment_share": share,
                "min_structure_gap": {"kind": "number", "min": 0, "max": 1000000},
                "prefer": {"kind": "list", "of": {"kind": "name", "among": figures}},
                "tolerance": {"kind": "number", "min": 0, "max": 0.99},
            },
        },
        "max_segments": segments,
        "fit_max_customers": customers,
        "random_seed": {"kind": "integer", "min": 0, "max": 2147483647},
        "name_min_effect": deviations,
        "name_min_cosine": share,
        "match_min_jaccard": share,
        "dissatisfied_up_to_score": {"kind": "number", "min": 1, "max": 5},
        "dormant_after_days": days,
        "refit": truth,
        "rescore_history": truth,
        "warn_far_beyond_share": share,
        "warn_same_score_share": share,
        "outcome_days": days,
        "few_customers": {"kind": "integer", "min": 2, "max": 1000000},
        "same_shop_min_known_share": share,
        "drift_recent_buyer_days": days,
        "drift_reference_months": {"kind": "integer", "min": 1, "max": 120},
        "drift_bins": {"kind": "integer", "min": 2, "max": 100},
        "drift_clock_driven_features": {"kind": "list", "of": {"kind": "name"}, "may_be_empty": true},
        "drift_bands": {
            "kind": "settings",
            "settings": {
                "min_pairs": {"kind": "integer", "min": 1, "max": 1000},
                "watch_deviations": deviations,
                "watch_floor": stability_index,
                "watch_uncalibrated": stability_index,
                "act_deviations": deviations,
                "act_floor": stability_index,
                "act_uncalibrated": stability_index,
            },
        },
        "stability_resamples": {"kind": "integer", "min": 2, "max": 10000},
        "ageing_origin_days": days,
        "ageing_horizon_days": days,
        "ageing_clock_days": days,
        "ageing_min_history_days": days,
        "ageing_min_customers": customers,
        "ageing_max_customers": customers,
        "ageing_noise_refits": {"kind": "integer", "min": 1, "max": 100},
        "ageing_resamples": {"kind": "integer", "min": 2, "max": 10000},
        "ageing_newcomer_days": days,
        "ageing_min_shift": deviations,
        "ageing_refresh_days": {"kind": "integer", "min": 0, "max": 3650},
        "contract_threshold": share,
        "contract_thresholds": {"kind": "list", "of": share},
        "contract_origin_share": share,
        "contract_min_origins": {"kind": "integer", "min": 1, "max": 1000},
    }) %}
{% endmacro %}
