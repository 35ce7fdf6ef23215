-- md5('a') starts with 0cc175b9c0f1b6a, md5('') with d41d8cd98f00b20; a null and an empty text count alike.
with

digests as (
    select
        {{ digest_number("'a'") }} as of_a,
        {{ digest_number("''") }} as of_nothing,
        {{ concat_known(
            "'x'", "cast(null as date)", "cast('2018-01-31' as date)", "12", "cast(1.5 as decimal(18, 2))", "true"
        ) }} as text
)

select * from digests
where of_a != 57446577476672362 or of_nothing != 955282973525019424 or text != 'x||2018-01-31|12|1.50|true'
