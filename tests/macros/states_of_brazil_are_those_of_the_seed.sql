with

listed as (
    {%- for state in states_of_brazil() %}
        {{ "union all" if not loop.first }}
        select {{ sql_text(state) }} as state
    {%- endfor %}
)

select
    listed.state,
    brazil_states.state as state_of_seed
from listed
full outer join {{ ref('brazil_states') }} as brazil_states on listed.state = brazil_states.state
where
    (listed.state is null or brazil_states.state is null)
    -- dbt build --empty reads no row of a table.
    and {{ not flags.EMPTY }}
