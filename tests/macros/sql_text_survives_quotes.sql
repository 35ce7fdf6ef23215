with

results as (
    select
        {{ sql_text("plain") }} as plain,
        {{ sql_text("d'Oeste's") }} as quoted,
        {{ sql_text(12) }} as number_as_text,
        {{ sql_text("") }} as empty,
        {{ sql_text("a\\n") }} as with_backslash,
        'b' in ({{ sql_text_list(["a", "b"]) }}) as is_listed,
        'c''' in ({{ sql_text_list(["c'"]) }}) as is_quoted_listed,
        'c' in ({{ sql_text_list(["a", "b"]) }}) as is_wrongly_listed
)

select * from results
where
    plain <> 'plain'
    or length(quoted) <> 9
    or quoted not like 'd_Oeste_s'
    or number_as_text <> '12'
    or empty <> ''
    or length(with_backslash) <> 3
    or not is_listed
    or not is_quoted_listed
    or is_wrongly_listed
